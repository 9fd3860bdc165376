using Npgsql;

namespace Konstruct.Gateway.Storage.Schema.Adoption;

/// <summary>Statements on the original's tables while the original serves.</summary>
internal static class AdoptionSql
{
    /// <summary>Changes tables in one transaction. Throws <see cref="PostgresException"/> when a lock is not free within a second.</summary>
    public static async Task ChangeAsync(this NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync($"SET LOCAL lock_timeout = '1s'; {sql}", cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Executes a statement without a time-out: an index or a check of many rows takes minutes.</summary>
    public static async Task ExecuteAsync(this NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Returns all rows of a query.</summary>
    public static async Task<List<T>> ListAsync<T>(
        this NpgsqlConnection connection,
        string sql,
        Func<NpgsqlDataReader, T> read,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(read(reader));
        }

        return rows;
    }
}
