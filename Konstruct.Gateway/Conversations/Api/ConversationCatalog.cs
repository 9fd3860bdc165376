using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Tenancy;
using Microsoft.EntityFrameworkCore;

namespace Konstruct.Gateway.Conversations.Api;

/// <summary>
/// Conversations as their user sees them. Another tenant's rows do not exist here, by the policies; another user's are not found. All calls throw what
/// <see cref="TenantDb"/> throws.
/// </summary>
internal sealed class ConversationCatalog(TenantDb tenants)
{
    /// <summary>
    /// A page of messages ends before it holds more characters than this, though it may hold one longer message: an answer can have a million of them,
    /// and a page a hundred answers.
    /// </summary>
    private const int MaxPageCharacters = 2 * 1024 * 1024;

    /// <summary>Creates a conversation. Its id is made by the caller, so that creating it twice is creating it once.</summary>
    public Task<ConversationItem> CreateAsync(ConversationKey key, string agentId, string? title, CancellationToken cancellationToken) =>
        tenants.RunAsync(
            key.TenantId,
            async (db, cancellation) =>
            {
                if (!await ConversationStore.Mine(db, key).AnyAsync(cancellation))
                {
                    db.Conversations.Add(new() { TenantId = key.TenantId, UserId = key.UserId, Id = key.ConversationId, AgentId = agentId, Title = title });
                    await db.SaveChangesAsync(cancellation);
                }

                return await Items(ConversationStore.Mine(db, key)).SingleAsync(cancellation);
            },
            cancellationToken);

    /// <summary>A page of a user's conversations, those first in which something was said last.</summary>
    public Task<Page<ConversationItem>> ListAsync(Guid tenantId, Guid userId, PageCursor after, int most, CancellationToken cancellationToken) =>
        tenants.RunAsync(
            tenantId,
            async (db, cancellation) =>
            {
                var rows = db.Conversations
                    .Where(row => row.TenantId == tenantId && row.UserId == userId)
                    .Where(row => EF.Functions.LessThan(ValueTuple.Create(row.UpdatedAt, row.Id), ValueTuple.Create(after.Time, after.Id)))
                    .OrderByDescending(row => row.UpdatedAt).ThenByDescending(row => row.Id);
                var items = await Items(rows.Take(most + 1)).ToListAsync(cancellation);
                return PageOf(items, most, last => new(last.UpdatedAt, last.Id));
            },
            cancellationToken);

    /// <summary>A conversation; null when this user has none of that id.</summary>
    public Task<ConversationItem?> FindAsync(ConversationKey key, CancellationToken cancellationToken) =>
        tenants.RunAsync(key.TenantId, (db, cancellation) => Items(ConversationStore.Mine(db, key)).SingleOrDefaultAsync(cancellation), cancellationToken);

    /// <summary>A page of a conversation's messages, newest first; null when this user has no such conversation.</summary>
    public Task<Page<MessageItem>?> ReadAsync(ConversationKey key, PageCursor after, int most, CancellationToken cancellationToken) =>
        tenants.RunAsync(
            key.TenantId,
            async (db, cancellation) =>
            {
                if (!await ConversationStore.Mine(db, key).AnyAsync(cancellation))
                {
                    return null;
                }

                var rows = db.Messages
                    .Where(row => row.TenantId == key.TenantId && row.ConversationId == key.ConversationId)
                    .Where(row => EF.Functions.LessThan(ValueTuple.Create(row.CreatedAt, row.Id), ValueTuple.Create(after.Time, after.Id)))
                    .OrderByDescending(row => row.CreatedAt).ThenByDescending(row => row.Id);
                var lengths = await rows.Take(most + 1).Select(row => row.Content.Length).ToListAsync(cancellation);
                var fitting = Math.Min(most, HowManyFit(lengths));
                var items = await rows.Take(fitting + 1)
                    .Select(row => new MessageItem(row.Id, row.TurnId, row.Role, row.Content, row.Status, row.CreatedAt))
                    .ToListAsync(cancellation);
                return PageOf(items, fitting, last => new(last.CreatedAt, last.Id));
            },
            cancellationToken);

    /// <summary>Gives a conversation another title. Null: this user has none of that id.</summary>
    public Task<ConversationItem?> RenameAsync(ConversationKey key, string title, CancellationToken cancellationToken) =>
        tenants.RunAsync(
            key.TenantId,
            async (db, cancellation) =>
            {
                await ConversationStore.Mine(db, key).ExecuteUpdateAsync(
                    row => row.SetProperty(r => r.Title, title).SetProperty(r => r.UpdatedAt, _ => DateTimeOffset.UtcNow), cancellation);
                return await Items(ConversationStore.Mine(db, key)).SingleOrDefaultAsync(cancellation);
            },
            cancellationToken);

    /// <summary>
    /// Deletes a conversation with its messages. It takes the row's lock first, as whoever begins or ends a turn does: no turn can begin between the look
    /// and the deletion, and nobody waits for each other crosswise.
    /// </summary>
    /// <returns>The turns that had not ended. Null: this user has no such conversation.</returns>
    public Task<List<TurnRow>?> DeleteAsync(ConversationKey key, CancellationToken cancellationToken)
    {
        List<TurnRow>? running = null; // Kept for the next run, if this one is cut off at its commit: that one may find nothing any more.
        return tenants.RunAsync(
            key.TenantId,
            async (db, cancellation) =>
            {
                var locked = await db.Conversations.FromSql(
                    $"""
                    SELECT * FROM public.web_conversations
                    WHERE tenant_id = {key.TenantId} AND id = {key.ConversationId} AND user_id IS NOT DISTINCT FROM {key.UserId} FOR UPDATE
                    """).AsNoTracking().ToListAsync(cancellation);
                if (locked.Count == 0)
                {
                    return running;
                }

                running = await db.Messages
                    .Where(row => row.TenantId == key.TenantId && row.ConversationId == key.ConversationId && row.Status == TurnOutcome.Pending)
                    .Select(row => new TurnRow(row.TenantId, row.ConversationId, row.TurnId, row.Status, row.Attempt, row.Content))
                    .ToListAsync(cancellation);
                await ConversationStore.Mine(db, key).ExecuteDeleteAsync(cancellation); // Its messages with it: ON DELETE CASCADE.
                return running;
            },
            cancellationToken);
    }

    private static IQueryable<ConversationItem> Items(IQueryable<Conversation> rows) =>
        rows.Select(row => new ConversationItem(row.Id, row.AgentId, row.Title, row.CreatedAt, row.UpdatedAt));

    /// <summary>One more item than the page holds says that there is another page.</summary>
    private static Page<T> PageOf<T>(List<T> items, int most, Func<T, PageCursor> cursorOf) =>
        items.Count <= most ? new(items, null) : new(items[..most], cursorOf(items[most - 1]).ToString());

    private static int HowManyFit(List<int> lengths)
    {
        var characters = 0;
        var fitting = lengths.TakeWhile(length => (characters += length) <= MaxPageCharacters).Count();
        return Math.Max(1, fitting);
    }
}
