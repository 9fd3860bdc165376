using System.Text;
using Konstruct.Contracts.Wire;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Konstruct.Gateway.Storage;

/// <summary>Result of accepting a message, as numbered by the function <c>accept_turn</c>.</summary>
internal enum Acceptance
{
    /// <summary>Committed: the turn will end in exactly one terminal state.</summary>
    Accepted = 0,

    /// <summary>The client has used this message id before; the result is the earlier turn.</summary>
    Repeated = 1,

    /// <summary>This tenant and user have no such conversation.</summary>
    NotFound = 2,

    /// <summary>The conversation has the maximum number of running turns.</summary>
    TooManyTurns = 3,
}

/// <summary>Conversations and turns in Postgres. All calls throw what <see cref="TenantDb"/> throws.</summary>
internal sealed class ConversationStore(TenantDb tenants)
{
    /// <summary>Most ended turns of a joined conversation, a multiple of those that may run at once: only payloads that come late concern them.</summary>
    private const int MostEnded = 16;

    /// <summary>Stores a message and its running turn. The lock of the conversation's row serializes messages of one conversation.</summary>
    public async Task<AcceptResult> AcceptAsync(NewTurn turn, bool createMissing, int maxTurns, CancellationToken cancellationToken) =>
        (
            await tenants.CallAsync(
                turn.Key.TenantId,
                turn.Key.ConversationId,
                $"""
                SELECT acceptance, turn
                FROM public.accept_turn({turn.Key.ConversationId}, {turn.UserId}, {turn.AgentId}, {createMissing}, {maxTurns},
                                 {turn.TurnId}, {turn.UserRowId}, {turn.AssistantRowId}, {turn.Text}, {turn.MessageId}, {turn.Task})
                """,
                row => new AcceptResult((Acceptance)row.GetInt32(0), row.IsDBNull(1) ? Guid.Empty : row.GetGuid(1)),
                cancellationToken
            )
        ).Single();

    /// <summary>Returns the running turns of a conversation, oldest first. Null: the conversation does not exist for this user.</summary>
    public async Task<List<TurnRow>?> OpenAsync(ConversationKey key, Guid userId, CancellationToken cancellationToken)
    {
        var rows = await tenants.CallAsync(
            key.TenantId,
            key.ConversationId,
            $"""
            SELECT turn, status, attempt, content FROM public.open_conversation({key.ConversationId}, {userId})
            """,
            row => ReadTurn(key, row),
            cancellationToken
        );
        return rows.Count == 0 ? null : [.. rows.OfType<TurnRow>()];
    }

    /// <summary>
    /// Returns what <see cref="OpenAsync"/> does, and the turns that had ended at the same moment, of those that began
    /// <paramref name="within"/> this time: any other turn begins later.
    /// </summary>
    public async Task<JoinedConversation?> JoinAsync(ConversationKey key, Guid userId, TimeSpan within, CancellationToken cancellationToken)
    {
        var rows = await tenants.CallAsync(
            key.TenantId,
            key.ConversationId,
            $"""
            SELECT turn, status, attempt, content, false FROM public.open_conversation({key.ConversationId}, {userId})
            UNION ALL SELECT turn, '', 0, '', true FROM public.ended_turns({key.ConversationId}, {within}, {MostEnded})
            """,
            row => (Turn: ReadTurn(key, row), HasEnded: row.GetBoolean(4)),
            cancellationToken
        );
        var running = rows.Where(row => !row.HasEnded).Select(row => row.Turn).ToList();
        return running.Count == 0
            ? null // Also where it is another user's, and only its ended turns were found.
            : new([.. running.OfType<TurnRow>()], [.. rows.Where(row => row.HasEnded).Select(row => row.Turn!.TurnId)]);
    }

    /// <summary>Finds a turn. Null: the conversation has none with this id.</summary>
    public Task<TurnRow?> FindTurnAsync(ConversationKey key, Guid turnId, CancellationToken cancellationToken) =>
        tenants.RunAsync(key.TenantId, (db, cancellation) => FindAsync(db, key, turnId, cancellation), cancellationToken);

    /// <summary>Finds the turn of a client's message id. Null: there is none, or the conversation belongs to another user.</summary>
    public Task<TurnRow?> FindTurnAsync(ConversationKey key, Guid userId, string messageId, CancellationToken cancellationToken) =>
        tenants.RunAsync(
            key.TenantId,
            async (db, cancellation) =>
            {
                var turnId = await OwnedBy(userId, key, db).AnyAsync(cancellation)
                    ? await TurnOfMessageAsync(db, key.ConversationId, messageId, cancellation)
                    : null;
                return turnId is { } found ? await FindAsync(db, key, found, cancellation) : null;
            },
            cancellationToken
        );

    /// <summary>
    /// Persists the end of a turn, unless it has ended. Returns the row after that, null if the conversation was deleted, and
    /// whether this call won.
    /// </summary>
    public async Task<(TurnRow? Row, bool Won)> PersistAsync(
        ConversationKey key,
        Guid turnId,
        string outcome,
        int attempt,
        ReadOnlyMemory<byte> text,
        CancellationToken cancellationToken
    )
    {
        var answer = text.ToStorable();
        var rows = await tenants.CallAsync(
            key.TenantId,
            key.ConversationId,
            $"""
            SELECT status, attempt, CASE WHEN won THEN NULL ELSE content END, won
            FROM public.finish_turn({key.ConversationId}, {turnId}, {outcome}, {attempt}, {answer})
            """,
            row =>
                (
                    new TurnRow(key, turnId, row.GetString(0), row.GetInt32(1), row.IsDBNull(2) ? answer : Encoding.UTF8.GetBytes(row.GetString(2))),
                    row.GetBoolean(3)
                ),
            cancellationToken
        );
        return rows is [var (row, won)] ? (row, won) : (null, false);
    }

    /// <summary>
    /// Issues the next attempt of a running turn if <paramref name="seen"/> is still the current one. Of several gateways that try, one wins.
    /// </summary>
    /// <returns>The task payload, still with the first attempt's number. Null: another gateway won, or the turn has ended.</returns>
    public Task<string?> NextAttemptAsync(ConversationKey key, Guid turnId, int seen, CancellationToken cancellationToken) =>
        tenants.RunAsync(
            key.TenantId,
            async (db, cancellation) =>
                (
                    await db
                        .Database.SqlQuery<string?>(
                            $"""
                            UPDATE public.web_turns SET attempt = {seen + 1}
                            WHERE tenant_id = {key.TenantId} AND conversation_id = {key.ConversationId} AND turn_id = {turnId} AND attempt = {seen}
                            RETURNING task
                            """
                        )
                        .ToListAsync(cancellation)
                ).SingleOrDefault(),
            cancellationToken
        );

    /// <summary>Finds whose message a running turn answers, and the client's id of it. Null: the turn has ended, or the message has no such id.</summary>
    public Task<ClientMessage?> FindMessageAsync(ConversationKey key, Guid turnId, CancellationToken cancellationToken) =>
        tenants.RunAsync(
            key.TenantId,
            async (db, cancellation) =>
                (
                    await db
                        .Database.SqlQuery<ClientMessage>(
                            $"""
                            SELECT c.user_id AS "UserId", m.client_message_id AS "MessageId" FROM public.web_turns t
                            JOIN public.web_conversations c ON c.tenant_id = t.tenant_id AND c.id = t.conversation_id
                            JOIN public.web_conversation_messages m ON m.id = t.question_id
                            WHERE t.tenant_id = {key.TenantId} AND t.conversation_id = {key.ConversationId} AND t.turn_id = {turnId}
                                AND m.client_message_id IS NOT NULL
                            """
                        )
                        .ToListAsync(cancellation)
                ).SingleOrDefault(),
            cancellationToken
        );

    /// <summary>Returns an issued attempt that was never queued, if it is still the current one and the turn is running.</summary>
    public Task<int> ReturnAttemptAsync(ConversationKey key, Guid turnId, int attempt, CancellationToken cancellationToken) =>
        tenants.RunAsync(
            key.TenantId,
            (db, cancellation) =>
                db.Database.ExecuteSqlAsync(
                    $"""
                    UPDATE public.web_turns SET attempt = {attempt - 1}
                    WHERE tenant_id = {key.TenantId} AND conversation_id = {key.ConversationId} AND turn_id = {turnId} AND attempt = {attempt}
                    """,
                    cancellation
                ),
            cancellationToken
        );

    /// <summary>
    /// Selects one conversation. The user is compared as text, so that no index applies: where most users have few conversations,
    /// PostgreSQL rates the index by user as good as the key, and would read all conversations of this user.
    /// </summary>
    internal static IQueryable<Conversation> OwnedBy(Guid userId, ConversationKey key, ChatDbContext db)
    {
        var user = userId.ToString("D");
        return db.Conversations.Where(row => row.TenantId == key.TenantId && row.Id == key.ConversationId && row.UserId.ToString() == user);
    }

    /// <summary>Reads a row of <c>open_conversation</c>. Null: the conversation exists and has no running turn.</summary>
    private static TurnRow? ReadTurn(ConversationKey key, NpgsqlDataReader row) =>
        row.IsDBNull(0) ? null : new(key, row.GetGuid(0), row.GetString(1), row.GetInt32(2), row.GetString(3));

    /// <summary>One statement: between two, a turn could end and be in neither table.</summary>
    private static async Task<TurnRow?> FindAsync(ChatDbContext db, ConversationKey key, Guid turnId, CancellationToken cancellation)
    {
        var rows = await db
            .Database.SqlQuery<TurnColumns>(
                // IS NOT DISTINCT FROM keeps the planner from the index of the conversation's messages.
                $"""
                SELECT 'pending' AS "Status", attempt AS "Attempt", '' AS "Content" FROM public.web_turns
                WHERE tenant_id = {key.TenantId} AND conversation_id = {key.ConversationId} AND turn_id = {turnId}
                UNION ALL
                SELECT status, attempt, content FROM public.web_conversation_messages
                WHERE tenant_id = {key.TenantId} AND turn_id = {turnId} AND role = 'assistant' AND conversation_id IS NOT DISTINCT FROM {key.ConversationId}
                """
            )
            .ToListAsync(cancellation);
        return rows is [var row] ? new(key, turnId, row.Status, row.Attempt, row.Content) : null;
    }

    private static async Task<Guid?> TurnOfMessageAsync(ChatDbContext db, Guid conversationId, string messageId, CancellationToken cancellation) =>
        (
            await db
                .Messages.Where(row => row.ConversationId == conversationId && row.ClientMessageId == messageId)
                .Select(row => row.TurnId)
                .ToListAsync(cancellation)
        ).SingleOrDefault();

    private sealed record TurnColumns(string Status, int Attempt, string Content);
}

/// <summary>A conversation at one moment.</summary>
/// <param name="Running">Its running turns, oldest first.</param>
/// <param name="Ended">Its turns that ended lately.</param>
internal sealed record JoinedConversation(List<TurnRow> Running, List<Guid> Ended);

/// <summary>A message to store. The caller chooses the ids, so a repeated call has no effect.</summary>
internal sealed record NewTurn(
    ConversationKey Key,
    Guid UserId,
    Guid TurnId,
    Guid UserRowId,
    Guid AssistantRowId,
    string AgentId,
    string Text,
    string? MessageId,
    string Task
);

/// <summary>A message by its user and by the client's id.</summary>
internal sealed record ClientMessage(Guid UserId, string MessageId);

/// <summary>Result of accepting a message, and its turn.</summary>
internal sealed record AcceptResult(Acceptance Acceptance, Guid TurnId);

/// <summary>A turn as stored in Postgres. The text stays UTF-8, because an answer may have megabytes.</summary>
internal sealed record TurnRow(ConversationKey Key, Guid TurnId, string Status, int Attempt, ReadOnlyMemory<byte> Content)
{
    public TurnRow(ConversationKey key, Guid turnId, string status, int attempt, string content)
        : this(key, turnId, status, attempt, Encoding.UTF8.GetBytes(content)) { }

    public bool IsEnded => Status != TurnOutcome.Pending;
}
