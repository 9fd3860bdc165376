using Microsoft.EntityFrameworkCore;

namespace Konstruct.Gateway.Tenancy;

/// <summary>
/// The one way to the tables: a transaction, inside the execution strategy, on which the tenant is set until it ends.
/// Row level security does the rest; a query that goes around this sees nothing, a save that does is refused.
/// </summary>
internal sealed class TenantDb(IServiceScopeFactory scopes)
{
    /// <summary>
    /// Runs <paramref name="work"/> as <paramref name="tenantId"/> and commits. When the connection breaks the whole is run again, perhaps after a
    /// commit whose outcome is unknown: <paramref name="work"/> must find what an earlier run has stored (ids are made outside of it).
    /// </summary>
    /// <exception cref="Npgsql.NpgsqlException">Postgres refuses, or cannot be reached after the strategy's retries.</exception>
    /// <exception cref="Microsoft.EntityFrameworkCore.Storage.RetryLimitExceededException">Likewise.</exception>
    public async Task<T> RunAsync<T>(Guid tenantId, Func<ChatDbContext, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<ChatDbContext>();
        return await db.Database.CreateExecutionStrategy().ExecuteAsync(
            async cancellation =>
            {
                db.ChangeTracker.Clear();
                await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
                await db.Database.ExecuteSqlAsync($"SELECT set_config('app.current_tenant', {tenantId.ToString("D")}, true)", cancellation);
                var result = await work(db, cancellation);
                await transaction.CommitAsync(cancellation);
                return result;
            },
            cancellationToken);
    }
}
