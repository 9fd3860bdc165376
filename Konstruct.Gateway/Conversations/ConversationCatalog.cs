using System.Text.RegularExpressions;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Storage;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;

namespace Konstruct.Gateway.Conversations;

/// <summary>
/// Conversations of one user. The policies hide other tenants' rows; other users' rows are not
/// found. All calls throw what <see cref="TenantDb"/> throws.
/// </summary>
internal sealed class ConversationCatalog(TenantDb tenants)
{
    /// <summary>
    /// Maximum number of characters of a page of messages, unless its only message is longer. An
    /// answer can have a million characters, and a page a hundred answers.
    /// </summary>
    private const int MaxPageCharacters = 2 * 1024 * 1024;

    /// <summary>Creates a conversation. The caller chooses the id, so a repeated call has no effect.</summary>
    public Task<ConversationItem> CreateAsync(ConversationKey key, Guid userId, string agentId, string? title, CancellationToken cancellationToken) =>
        tenants.RunAsync(
            key.TenantId,
            async (db, cancellation) =>
            {
                if (!await ConversationStore.OwnedBy(userId, key, db).AnyAsync(cancellation))
                {
                    // Without a type, PostgreSQL reads the agent as what its column is: a text here, a uuid in some databases of the original.
                    var agent = new NpgsqlParameter { Value = agentId, NpgsqlDbType = NpgsqlDbType.Unknown };
                    await db.Database.ExecuteSqlAsync(
                        $"""
                        INSERT INTO public.web_conversations (tenant_id, id, user_id, agent_id, title)
                        VALUES ({key.TenantId}, {key.ConversationId}, {userId}, {agent}, {title})
                        """,
                        cancellation
                    );
                }

                return await Items(ConversationStore.OwnedBy(userId, key, db)).SingleAsync(cancellation);
            },
            cancellationToken
        );

    /// <summary>Reads a page of a user's conversations, those with the latest activity first.</summary>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="userId">Whose conversations.</param>
    /// <param name="title">A part of the title, see <see cref="TitleSearch"/>; null: all conversations.</param>
    /// <param name="after">Where the page before ended.</param>
    /// <param name="most">Maximum number of conversations.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public Task<Page<ConversationItem>> ListAsync(
        Guid tenantId,
        Guid userId,
        string? title,
        PageCursor after,
        int most,
        CancellationToken cancellationToken
    ) =>
        tenants.RunAsync(
            tenantId,
            async (db, cancellation) =>
            {
                var mine = db.Conversations.Where(row => row.TenantId == tenantId && row.UserId == userId);
                if (title is not null)
                {
                    var pattern = TitleSearch.PatternOf(title);
                    mine = mine.Where(row => Regex.IsMatch(row.Title!, pattern, RegexOptions.Singleline)); // SQL's ~; no title: no match.
                }

                var rows = mine.Where(row => EF.Functions.LessThan(ValueTuple.Create(row.UpdatedAt, row.Id), ValueTuple.Create(after.Time, after.Id)))
                    .OrderByDescending(row => row.UpdatedAt)
                    .ThenByDescending(row => row.Id);
                var items = await Items(rows.Take(most + 1)).ToListAsync(cancellation);
                return PageOf(items, most, last => new(last.UpdatedAt, last.Id));
            },
            cancellationToken
        );

    /// <summary>Finds a conversation. Null: this user has none with this id.</summary>
    public Task<ConversationItem?> FindAsync(ConversationKey key, Guid userId, CancellationToken cancellationToken) =>
        tenants.RunAsync(
            key.TenantId,
            (db, cancellation) => Items(ConversationStore.OwnedBy(userId, key, db)).SingleOrDefaultAsync(cancellation),
            cancellationToken
        );

    /// <summary>Reads a page of a conversation's messages, newest first. Null: this user has no such conversation.</summary>
    public Task<Page<MessageItem>?> ReadAsync(ConversationKey key, Guid userId, PageCursor after, int most, CancellationToken cancellationToken) =>
        tenants.RunAsync(
            key.TenantId,
            async (db, cancellation) =>
            {
                if (!await ConversationStore.OwnedBy(userId, key, db).AnyAsync(cancellation))
                {
                    return null;
                }

                var lengths = await Latest(db, key, after, most + 1).Select(row => row.Content.Length).ToListAsync(cancellation);
                var fitting = Math.Min(most, HowManyFit(lengths));
                var items = await Latest(db, key, after, fitting + 1)
                    .Select(row => new MessageItem(row.Id, row.TurnId, row.Role, row.Content, row.Status, row.CreatedAt))
                    .ToListAsync(cancellation);
                return PageOf(items, fitting, last => new(last.CreatedAt, last.Id));
            },
            cancellationToken
        );

    /// <summary>Renames a conversation. Null: this user has none with this id.</summary>
    public Task<ConversationItem?> RenameAsync(ConversationKey key, Guid userId, string title, CancellationToken cancellationToken) =>
        tenants.RunAsync(
            key.TenantId,
            async (db, cancellation) =>
            {
                await ConversationStore
                    .OwnedBy(userId, key, db)
                    .ExecuteUpdateAsync(
                        row => row.SetProperty(r => r.Title, title).SetProperty(r => r.UpdatedAt, _ => DateTimeOffset.UtcNow),
                        cancellation
                    );
                return await Items(ConversationStore.OwnedBy(userId, key, db)).SingleOrDefaultAsync(cancellation);
            },
            cancellationToken
        );

    /// <summary>
    /// Deletes a conversation with its messages. Locks the row first, like the functions that begin or end a turn: no
    /// turn can begin between the check and the deletion, and the fixed lock order prevents deadlocks.
    /// </summary>
    /// <returns>The turns that had not ended. Null: this user has no such conversation.</returns>
    public Task<List<TurnRow>?> DeleteAsync(ConversationKey key, Guid userId, CancellationToken cancellationToken)
    {
        List<TurnRow>? running = null; // Kept for a retry after an interrupted commit, which may find no rows.
        return tenants.RunAsync(
            key.TenantId,
            async (db, cancellation) =>
            {
                var locked = await db
                    .Database.SqlQuery<Guid>(
                        $"""
                        SELECT id FROM public.web_conversations
                        WHERE tenant_id = {key.TenantId} AND id = {key.ConversationId} AND user_id IS NOT DISTINCT FROM {userId} FOR UPDATE
                        """
                    )
                    .ToListAsync(cancellation);
                if (locked.Count == 0)
                {
                    return running;
                }

                running = await db
                    .RunningTurns.Where(row => row.TenantId == key.TenantId && row.ConversationId == key.ConversationId)
                    .Select(row => new TurnRow(key, row.TurnId, TurnOutcome.Pending, row.Attempt, ""))
                    .ToListAsync(cancellation);

                // Messages and turns would follow by ON DELETE CASCADE. A foreign key of the original may not cascade, so messages go first.
                await db
                    .Messages.Where(row => row.TenantId == key.TenantId && row.ConversationId == key.ConversationId)
                    .ExecuteDeleteAsync(cancellation);
                await ConversationStore.OwnedBy(userId, key, db).ExecuteDeleteAsync(cancellation);
                return running;
            },
            cancellationToken
        );
    }

    /// <summary>
    /// The latest messages and running answers before a place. One statement reads both tables: between two, a turn could end and be in neither.
    /// Messages are limited before the union, because PostgreSQL would otherwise sort all of them.
    /// </summary>
    private static IQueryable<MessageRow> Latest(ChatDbContext db, ConversationKey key, PageCursor after, int most) =>
        db
            .Messages.Where(row => row.TenantId == key.TenantId && row.ConversationId == key.ConversationId)
            .Where(row => EF.Functions.LessThan(ValueTuple.Create(row.CreatedAt, row.Id), ValueTuple.Create(after.Time, after.Id)))
            .OrderByDescending(row => row.CreatedAt)
            .ThenByDescending(row => row.Id)
            .Take(most)
            .Select(row => new MessageRow
            {
                Id = row.Id,
                TurnId = row.TurnId ?? row.Id,
                Role = row.Role,
                Content = row.Content,
                Status = row.Status,
                CreatedAt = row.CreatedAt,
            })
            .Concat(
                db.RunningTurns.Where(row => row.TenantId == key.TenantId && row.ConversationId == key.ConversationId)
                    .Where(row => EF.Functions.LessThan(ValueTuple.Create(row.CreatedAt, row.AnswerId), ValueTuple.Create(after.Time, after.Id)))
                    .Select(row => new MessageRow
                    {
                        Id = row.AnswerId,
                        TurnId = row.TurnId,
                        Role = Message.Assistant,
                        Content = "",
                        Status = TurnOutcome.Pending,
                        CreatedAt = row.CreatedAt,
                    })
            )
            .OrderByDescending(row => row.CreatedAt)
            .ThenByDescending(row => row.Id)
            .Take(most);

    private static IQueryable<ConversationItem> Items(IQueryable<Conversation> rows) =>
        rows.Select(row => new ConversationItem(row.Id, ChatDbContext.AsText(row.AgentId), row.Title, row.CreatedAt, row.UpdatedAt));

    /// <summary>One item more than the page holds means that there is another page.</summary>
    private static Page<T> PageOf<T>(List<T> items, int most, Func<T, PageCursor> cursorOf) =>
        items.Count <= most ? new(items, null) : new(items[..most], cursorOf(items[most - 1]).ToString());

    private static int HowManyFit(List<int> lengths)
    {
        var characters = 0;
        var fitting = lengths.TakeWhile(length => (characters += length) <= MaxPageCharacters).Count();
        return Math.Max(1, fitting);
    }

    private sealed class MessageRow
    {
        public required Guid Id { get; init; }

        public required Guid TurnId { get; init; }

        public required string Role { get; init; }

        public required string Content { get; init; }

        public required string Status { get; init; }

        public required DateTimeOffset CreatedAt { get; init; }
    }
}
