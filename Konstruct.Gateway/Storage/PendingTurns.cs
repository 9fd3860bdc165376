using Microsoft.EntityFrameworkCore;

namespace Konstruct.Gateway.Storage;

/// <summary>The only query across tenants. It calls a function that sees only running turns, without their tasks.</summary>
internal sealed class PendingTurns(IServiceScopeFactory scopes)
{
    /// <summary>Reads turns older than <paramref name="olderThan"/> that follow <paramref name="previous"/>, in the order of the key.</summary>
    public async Task<List<PendingTurn>> ReadAsync(TimeSpan olderThan, PendingTurn? previous, int most, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<ChatDbContext>();
        var (conversationId, turnId) = (previous?.ConversationId ?? Guid.Empty, previous?.TurnId ?? Guid.Empty);
        return await db
            .Database.SqlQuery<PendingTurn>(
                $"""
                SELECT tenant_id AS "TenantId", conversation_id AS "ConversationId", turn_id AS "TurnId", attempt AS "Attempt", age AS "Age"
                FROM public.pending_turns({olderThan}, {conversationId}, {turnId}, {most})
                """
            )
            .ToListAsync(cancellationToken);
    }
}

/// <summary>A pending turn of any tenant: its ids and age, without content.</summary>
internal sealed record PendingTurn(Guid TenantId, Guid ConversationId, Guid TurnId, int Attempt, TimeSpan Age)
{
    public ConversationKey Key => new(TenantId, ConversationId);
}
