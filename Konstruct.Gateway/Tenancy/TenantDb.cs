using Konstruct.ServiceDefaults.Loops;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Konstruct.Gateway.Tenancy;

/// <summary>
/// The one way to the tables: a transaction, inside the execution strategy, on which the tenant is set until it ends.
/// Row level security does the rest; a query that goes around this sees nothing, a save that does is refused.
/// </summary>
internal sealed class TenantDb
{
    private readonly IServiceScopeFactory _scopes;
    private readonly GroupCommit _groups;

    /// <summary>Never opened: others are made after it, from the pool that the contexts use.</summary>
    private readonly Lazy<ICloneable> _model;

    public TenantDb(IServiceScopeFactory scopes, Failures failures, TimeProvider time)
    {
        _scopes = scopes;
        _model = new(() =>
        {
            using var scope = scopes.CreateScope();
            return (ICloneable)((ICloneable)scope.ServiceProvider.GetRequiredService<ChatDbContext>().Database.GetDbConnection()).Clone();
        });
        _groups = new(new(Connect, failures, time), time);
    }

    /// <summary>
    /// Runs <paramref name="work"/> as <paramref name="tenantId"/> and commits. When the connection breaks the whole is run again, perhaps after a
    /// commit whose outcome is unknown: <paramref name="work"/> must find what an earlier run has stored (ids are made outside of it).
    /// </summary>
    /// <exception cref="Npgsql.NpgsqlException">Postgres refuses, or cannot be reached after the strategy's retries.</exception>
    /// <exception cref="Microsoft.EntityFrameworkCore.Storage.RetryLimitExceededException">Likewise.</exception>
    public async Task<T> RunAsync<T>(Guid tenantId, Func<ChatDbContext, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        await using var scope = _scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<ChatDbContext>();
        return await db.Database.CreateExecutionStrategy().ExecuteAsync(
            async cancellation =>
            {
                db.ChangeTracker.Clear();
                await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
                await db.Database.ExecuteSqlAsync(StoreCall.SetTenant(tenantId), cancellation);
                var result = await work(db, cancellation);
                await transaction.CommitAsync(cancellation);
                return result;
            },
            cancellationToken);
    }

    /// <summary>
    /// Likewise one statement, in one round trip instead of three, which many calls may share (<see cref="GroupCommit"/>). For what every message and every socket needs.
    /// </summary>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="conversationId">The only conversation whose rows the statement may lock.</param>
    /// <param name="statement">The statement; what is interpolated becomes a parameter.</param>
    /// <param name="read">Reads a row.</param>
    /// <param name="cancellationToken">Gives up; what is committed by then stays, and what is under way may be committed yet.</param>
    /// <returns>The rows.</returns>
    public Task<List<T>> CallAsync<T>(
        Guid tenantId, Guid conversationId, FormattableString statement, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) =>
        SendAsync(new StoreCall<T>(tenantId, conversationId, statement, read, mayWait: false, cancellationToken), cancellationToken);

    /// <summary>Likewise, of what nobody waits for at a screen: where many come, each waits some milliseconds for others.</summary>
    /// <inheritdoc cref="CallAsync"/>
    public Task<List<T>> CallSoonAsync<T>(
        Guid tenantId, Guid conversationId, FormattableString statement, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) =>
        SendAsync(new StoreCall<T>(tenantId, conversationId, statement, read, mayWait: true, cancellationToken), cancellationToken);

    private async Task<List<T>> SendAsync<T>(StoreCall<T> call, CancellationToken cancellationToken)
    {
        _groups.Send(call);
        try
        {
            await call.Committed.WaitAsync(cancellationToken);
            return call.Rows;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Its own fault or another's: it shows when it is alone. The context is asked for its strategy only where there is something to repeat.
            await using var scope = _scopes.CreateAsyncScope();
            return await scope.ServiceProvider.GetRequiredService<ChatDbContext>().Database.CreateExecutionStrategy().ExecuteAsync(
                cancellation => CallAloneAsync(call, cancellation), cancellationToken);
        }
    }

    private async Task<List<T>> CallAloneAsync<T>(StoreCall<T> call, CancellationToken cancellationToken)
    {
        await using var connection = Connect();
        await connection.OpenAsync(cancellationToken);
        await StoreCall.SendAsync(connection, [call], longestLock: null, cancellationToken);
        return call.Rows;
    }

    private NpgsqlConnection Connect() => (NpgsqlConnection)_model.Value.Clone();
}
