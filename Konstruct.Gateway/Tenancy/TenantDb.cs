using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Konstruct.Gateway.Tenancy;

/// <summary>
/// The one way to the tables: a transaction, inside the execution strategy, on which the tenant is set until it ends.
/// Row level security does the rest; a query that goes around this sees nothing, a save that does is refused.
/// </summary>
internal sealed class TenantDb(IServiceScopeFactory scopes)
{
    /// <summary>Never opened: others are made after it, from the pool that the contexts use.</summary>
    private readonly Lazy<ICloneable> _model = new(() =>
    {
        using var scope = scopes.CreateScope();
        return (ICloneable)((ICloneable)scope.ServiceProvider.GetRequiredService<ChatDbContext>().Database.GetDbConnection()).Clone();
    });

    private static readonly object[] Placeholders = [.. Enumerable.Range(1, 16).Select(number => $"${number}")];

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
                await db.Database.ExecuteSqlAsync(SetTenant(tenantId), cancellation);
                var result = await work(db, cancellation);
                await transaction.CommitAsync(cancellation);
                return result;
            },
            cancellationToken);
    }

    /// <summary>
    /// Likewise one statement, in one round trip instead of three: what sets the tenant travels with it, and Postgres runs what travels together as one
    /// transaction. For what every message and every socket needs.
    /// </summary>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="statement">The statement; what is interpolated becomes a parameter.</param>
    /// <param name="read">Reads a row.</param>
    /// <param name="cancellationToken">Gives up; what is committed by then stays.</param>
    /// <returns>The rows.</returns>
    public async Task<List<T>> CallAsync<T>(Guid tenantId, FormattableString statement, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        try
        {
            return await CallOnceAsync(tenantId, statement, read, cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException { IsTransient: true } or TimeoutException)
        {
            // The context is asked for its strategy only where there is something to repeat.
            await using var scope = scopes.CreateAsyncScope();
            return await scope.ServiceProvider.GetRequiredService<ChatDbContext>().Database.CreateExecutionStrategy().ExecuteAsync(
                cancellation => CallOnceAsync(tenantId, statement, read, cancellation), cancellationToken);
        }
    }

    private async Task<List<T>> CallOnceAsync<T>(Guid tenantId, FormattableString statement, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var connection = (NpgsqlConnection)_model.Value.Clone();
        await connection.OpenAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Command(SetTenant(tenantId)));
        batch.BatchCommands.Add(Command(statement));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(read(reader));
        }

        await reader.NextResultAsync(cancellationToken); // To the end: only there is it committed.
        return rows;
    }

    /// <summary>Until the transaction ends.</summary>
    private static FormattableString SetTenant(Guid tenantId) => $"SELECT set_config('app.current_tenant', {tenantId.ToString("D")}, true)";

    private static NpgsqlBatchCommand Command(FormattableString statement)
    {
        var command = new NpgsqlBatchCommand(string.Format(CultureInfo.InvariantCulture, statement.Format, Placeholders));
        foreach (var value in statement.GetArguments())
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        }

        return command;
    }
}
