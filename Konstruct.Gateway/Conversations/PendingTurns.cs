using Konstruct.Gateway.Tenancy;
using Microsoft.EntityFrameworkCore;

namespace Konstruct.Gateway.Conversations;

/// <summary>A turn of any tenant that has not ended: where to look for it, and nothing of what was said.</summary>
internal sealed record PendingTurn(Guid TenantId, Guid ConversationId, Guid TurnId, int Attempt, DateTimeOffset CreatedAt, TimeSpan Age);

/// <summary>The one question that is asked across tenants, answered by a function that sees pending rows alone.</summary>
internal sealed class PendingTurns(IServiceScopeFactory scopes)
{
    /// <summary>Turns older than <paramref name="olderThan"/>, oldest first, after <paramref name="previous"/>.</summary>
    public async Task<List<PendingTurn>> ReadAsync(TimeSpan olderThan, PendingTurn? previous, int most, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<ChatDbContext>();
        var createdAt = previous?.CreatedAt ?? DateTimeOffset.UnixEpoch;
        var turnId = previous?.TurnId ?? Guid.Empty;
        return await db.Database.SqlQuery<PendingTurn>(
            $"""
            SELECT tenant_id AS "TenantId", conversation_id AS "ConversationId", turn_id AS "TurnId", attempt AS "Attempt", created_at AS "CreatedAt", age AS "Age"
            FROM public.pending_turns({olderThan}, {createdAt}, {turnId}, {most})
            """).ToListAsync(cancellationToken);
    }
}
