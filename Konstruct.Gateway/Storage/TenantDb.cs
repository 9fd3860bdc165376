using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Konstruct.Gateway.Storage;

/// <summary>
/// The only access to the tables: a transaction, inside the execution strategy, with the tenant set until it ends. Row
/// level security does the rest: a query that bypasses this class returns nothing, and a save fails.
/// </summary>
internal sealed class TenantDb
{
    private readonly IServiceScopeFactory _scopes;
    private readonly StatementBatcher _batcher;

    /// <summary>Never opened. Other connections are cloned from it, so that they come from the contexts' pool.</summary>
    private readonly Lazy<ICloneable> _model;

    public TenantDb(IServiceScopeFactory scopes, TimeProvider time)
    {
        _scopes = scopes;
        _model = new(() =>
        {
            using var scope = scopes.CreateScope();
            return (ICloneable)((ICloneable)scope.ServiceProvider.GetRequiredService<ChatDbContext>().Database.GetDbConnection()).Clone();
        });
        _batcher = new(Connect, time);
    }

    /// <summary>
    /// Runs <paramref name="work"/> as <paramref name="tenantId"/> and commits. When the connection breaks, all of it runs again, possibly
    /// after a commit with an unknown outcome. So <paramref name="work"/> must find what an earlier run has stored: create ids outside of it.
    /// </summary>
    /// <exception cref="Npgsql.NpgsqlException">Postgres refuses, or cannot be reached after the strategy's retries.</exception>
    /// <exception cref="Microsoft.EntityFrameworkCore.Storage.RetryLimitExceededException">Likewise.</exception>
    public async Task<T> RunAsync<T>(Guid tenantId, Func<ChatDbContext, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        await using var scope = _scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<ChatDbContext>();
        return await db
            .Database.CreateExecutionStrategy()
            .ExecuteAsync(
                async cancellation =>
                {
                    db.ChangeTracker.Clear();
                    await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
                    await db.Database.ExecuteSqlAsync(TenantSql.Set(tenantId), cancellation);
                    var result = await work(db, cancellation);
                    await transaction.CommitAsync(cancellation);
                    return result;
                },
                cancellationToken
            );
    }

    /// <summary>
    /// Runs one statement as a tenant, in one round trip instead of three, possibly in a batch with others
    /// (<see cref="StatementBatcher"/>). Used for statements that every message or socket needs.
    /// </summary>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="conversationId">The only conversation whose rows the statement may lock.</param>
    /// <param name="statement">The statement; interpolated values become parameters.</param>
    /// <param name="read">Reads a row.</param>
    /// <param name="cancellationToken">Cancels the wait. What has committed stays, and a statement in flight may still commit.</param>
    /// <returns>The rows.</returns>
    public Task<List<T>> CallAsync<T>(
        Guid tenantId,
        Guid conversationId,
        FormattableString statement,
        Func<NpgsqlDataReader, T> read,
        CancellationToken cancellationToken
    ) => SendAsync(new TenantStatement<T>(tenantId, conversationId, statement, read, cancellationToken), cancellationToken);

    private async Task<List<T>> SendAsync<T>(TenantStatement<T> call, CancellationToken cancellationToken)
    {
        _batcher.Send(call);
        try
        {
            await call.Committed.WaitAsync(cancellationToken);
            return call.Rows;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // The fault may be this statement's or another's, so it runs again alone. The strategy is created only when a statement is repeated.
            await using var scope = _scopes.CreateAsyncScope();
            return await scope
                .ServiceProvider.GetRequiredService<ChatDbContext>()
                .Database.CreateExecutionStrategy()
                .ExecuteAsync(cancellation => CallAloneAsync(call, cancellation), cancellationToken);
        }
    }

    private async Task<List<T>> CallAloneAsync<T>(TenantStatement<T> call, CancellationToken cancellationToken)
    {
        await using var connection = Connect();
        await connection.OpenAsync(cancellationToken);
        await TenantStatement.SendAsync(connection, [call], longestLock: null, cancellationToken);
        return call.Rows;
    }

    private NpgsqlConnection Connect() => (NpgsqlConnection)_model.Value.Clone();
}
