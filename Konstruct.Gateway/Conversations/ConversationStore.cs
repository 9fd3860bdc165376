using System.Text;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Tenancy;
using Microsoft.EntityFrameworkCore;

namespace Konstruct.Gateway.Conversations;

/// <summary>Whose conversation it is about. Everything that a client may reach is found by all three.</summary>
internal readonly record struct ConversationKey(Guid TenantId, Guid UserId, Guid ConversationId);

/// <summary>A message as it is to be stored. The ids are made by the caller, so that storing it twice is storing it once.</summary>
internal sealed record NewTurn(ConversationKey Key, Guid TurnId, Guid UserRowId, Guid AssistantRowId, string AgentId, string Text, string? MessageId, string Task);

/// <summary>What became of a message: the numbers of the function <c>accept_turn</c>.</summary>
internal enum Acceptance
{
    /// <summary>Committed: it will end in exactly one terminal state.</summary>
    Accepted = 0,

    /// <summary>The client's own id was used before: the turn of then.</summary>
    Repeated = 1,

    /// <summary>No such conversation for this tenant and user.</summary>
    NotFound = 2,

    /// <summary>As many turns as allowed run in the conversation.</summary>
    TooManyTurns = 3,
}

/// <summary>What became of a message, and of which turn that is.</summary>
internal sealed record AcceptResult(Acceptance Acceptance, Guid TurnId);

/// <summary>A turn as Postgres has it. The text is UTF-8, as it comes and goes: an answer may have megabytes.</summary>
internal sealed record TurnRow(Guid TenantId, Guid ConversationId, Guid TurnId, string Status, int Attempt, ReadOnlyMemory<byte> Content)
{
    public TurnRow(Guid tenantId, Guid conversationId, Guid turnId, string status, int attempt, string content)
        : this(tenantId, conversationId, turnId, status, attempt, Encoding.UTF8.GetBytes(content))
    {
    }

    public bool IsEnded => Status != TurnOutcome.Pending;
}

/// <summary>Conversations and turns in Postgres. All calls throw what <see cref="TenantDb"/> throws.</summary>
internal sealed class ConversationStore(TenantDb tenants)
{
    /// <summary>Stores a message and its pending answer. Messages of one conversation take their turn at its row's lock.</summary>
    public async Task<AcceptResult> AcceptAsync(NewTurn turn, bool createMissing, int maxTurns, CancellationToken cancellationToken) =>
        (await tenants.CallAsync(
            turn.Key.TenantId,
            turn.Key.ConversationId,
            $"""
            SELECT acceptance, turn
            FROM public.accept_turn({turn.Key.ConversationId}, {turn.Key.UserId}, {turn.AgentId}, {createMissing}, {maxTurns},
                             {turn.TurnId}, {turn.UserRowId}, {turn.AssistantRowId}, {turn.Text}, {turn.MessageId}, {turn.Task})
            """,
            row => new AcceptResult((Acceptance)row.GetInt32(0), row.IsDBNull(1) ? Guid.Empty : row.GetGuid(1)),
            cancellationToken)).Single();

    /// <summary>The turns of a conversation that have not ended, oldest first; null when the conversation does not exist for this user.</summary>
    public async Task<List<TurnRow>?> OpenAsync(ConversationKey key, CancellationToken cancellationToken)
    {
        var rows = await tenants.CallAsync(
            key.TenantId,
            key.ConversationId,
            $"""
            SELECT turn, status, attempt, content FROM public.open_conversation({key.ConversationId}, {key.UserId})
            """,
            row => row.IsDBNull(0)
                ? null
                : new TurnRow(key.TenantId, key.ConversationId, row.GetGuid(0), row.GetString(1), row.GetInt32(2), row.GetString(3)),
            cancellationToken);
        return rows.Count == 0 ? null : [.. rows.OfType<TurnRow>()];
    }

    /// <summary>A turn; null when this conversation has none of that id.</summary>
    public Task<TurnRow?> FindTurnAsync(Guid tenantId, Guid conversationId, Guid turnId, CancellationToken cancellationToken) =>
        tenants.RunAsync(tenantId, (db, cancellation) => FindAsync(db, conversationId, turnId, cancellation), cancellationToken);

    /// <summary>The turn that a client's own message id began; null when none has, or the conversation is another user's.</summary>
    public Task<TurnRow?> FindTurnAsync(ConversationKey key, string messageId, CancellationToken cancellationToken) =>
        tenants.RunAsync(
            key.TenantId,
            async (db, cancellation) =>
            {
                var turnId = await Mine(db, key).AnyAsync(cancellation) ? await TurnOfMessageAsync(db, key.ConversationId, messageId, cancellation) : null;
                return turnId is { } found ? await FindAsync(db, key.ConversationId, found, cancellation) : null;
            },
            cancellationToken);

    /// <summary>Ends a turn, unless it has ended. Either way the row as it is then, null when the conversation was deleted; and whether this call did it. Its text has been shown by then: it may wait for others that end.</summary>
    public async Task<(TurnRow? Row, bool Won)> FinishAsync(
        Guid tenantId, Guid conversationId, Guid turnId, string outcome, int attempt, ReadOnlyMemory<byte> text, CancellationToken cancellationToken)
    {
        var answer = text.ToStorable();
        var rows = await tenants.CallSoonAsync(
            tenantId,
            conversationId,
            $"""
            SELECT status, attempt, CASE WHEN won THEN NULL ELSE content END, won
            FROM public.finish_turn({conversationId}, {turnId}, {outcome}, {attempt}, {answer})
            """,
            row => (
                new TurnRow(tenantId, conversationId, turnId, row.GetString(0), row.GetInt32(1), row.IsDBNull(2) ? answer : Encoding.UTF8.GetBytes(row.GetString(2))),
                row.GetBoolean(3)),
            cancellationToken);
        return rows is [var (row, won)] ? (row, won) : (null, false);
    }

    /// <summary>
    /// Gives out the next attempt of a pending turn, if <paramref name="seen"/> is still the current one: of several gateways that try, one gets it.
    /// </summary>
    /// <returns>The task payload, whose attempt is still the first one's; null when another gateway was faster or the turn has ended.</returns>
    public Task<string?> NextAttemptAsync(Guid tenantId, Guid turnId, int seen, CancellationToken cancellationToken) =>
        tenants.RunAsync(
            tenantId,
            async (db, cancellation) => (await db.Database.SqlQuery<string?>(
                // IS NOT DISTINCT FROM, as in the functions: no index of what is pending anywhere is to answer it.
                $"""
                UPDATE public.web_conversation_messages SET attempt = {seen + 1}
                WHERE tenant_id = {tenantId} AND turn_id = {turnId} AND role = 'assistant' AND status IS NOT DISTINCT FROM 'pending' AND attempt = {seen}
                RETURNING task
                """).ToListAsync(cancellation)).SingleOrDefault(),
            cancellationToken);

    /// <summary>Takes back an attempt that was given out and never queued, if it is still the current one and its turn is pending.</summary>
    public Task<int> ReturnAttemptAsync(Guid tenantId, Guid turnId, int attempt, CancellationToken cancellationToken) =>
        tenants.RunAsync(
            tenantId,
            (db, cancellation) => db.Database.ExecuteSqlAsync(
                $"""
                UPDATE public.web_conversation_messages SET attempt = {attempt - 1}
                WHERE tenant_id = {tenantId} AND turn_id = {turnId} AND role = 'assistant' AND status IS NOT DISTINCT FROM 'pending' AND attempt = {attempt}
                """,
                cancellation),
            cancellationToken);

    /// <summary>
    /// One row. The user is compared as text, which no index answers: where most users have few conversations, the index of a user's seems as good to PostgreSQL as the key,
    /// and it would read all that this one has.
    /// </summary>
    internal static IQueryable<Conversation> Mine(ChatDbContext db, ConversationKey key)
    {
        var user = key.UserId.ToString("D");
        return db.Conversations.Where(row => row.TenantId == key.TenantId && row.Id == key.ConversationId && row.UserId.ToString() == user);
    }

    private static Task<TurnRow?> FindAsync(ChatDbContext db, Guid conversationId, Guid turnId, CancellationToken cancellation) =>
        db.Messages
            .Where(row => row.Role == Message.Assistant && row.ConversationId == conversationId && row.TurnId == turnId)
            .Select(row => new TurnRow(row.TenantId, row.ConversationId, row.TurnId, row.Status, row.Attempt, row.Content))
            .SingleOrDefaultAsync(cancellation);

    private static async Task<Guid?> TurnOfMessageAsync(ChatDbContext db, Guid conversationId, string messageId, CancellationToken cancellation) =>
        (await db.Messages
            .Where(row => row.ConversationId == conversationId && row.ClientMessageId == messageId)
            .Select(row => (Guid?)row.TurnId)
            .ToListAsync(cancellation)).SingleOrDefault();
}
