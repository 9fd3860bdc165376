using Microsoft.EntityFrameworkCore;

namespace Konstruct.Gateway.Storage;

/// <summary>The only query across tenants. It calls a function that sees only pending rows.</summary>
internal sealed class PendingTurns(IServiceScopeFactory scopes)
{
    /// <summary>Reads turns older than <paramref name="olderThan"/> that follow <paramref name="previous"/>, oldest first.</summary>
    public async Task<List<PendingTurn>> ReadAsync(TimeSpan olderThan, PendingTurn? previous, int most, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<ChatDbContext>();
        var createdAt = previous?.CreatedAt ?? DateTimeOffset.UnixEpoch;
        var turnId = previous?.TurnId ?? Guid.Empty;
        return await db
            .Database.SqlQuery<PendingTurn>(
                $"""
                SELECT tenant_id AS "TenantId", conversation_id AS "ConversationId", turn_id AS "TurnId", attempt AS "Attempt", created_at AS "CreatedAt", age AS "Age"
                FROM public.pending_turns({olderThan}, {createdAt}, {turnId}, {most})
                """
            )
            .ToListAsync(cancellationToken);
    }
}

/// <summary>A pending turn of any tenant: its ids and times, without content.</summary>
internal sealed record PendingTurn(Guid TenantId, Guid ConversationId, Guid TurnId, int Attempt, DateTimeOffset CreatedAt, TimeSpan Age)
{
    public ConversationKey Key => new(TenantId, ConversationId);
}
