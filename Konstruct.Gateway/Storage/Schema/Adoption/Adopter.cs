using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Konstruct.Gateway.Storage.Schema.Adoption;

/// <summary>
/// Adopts tables that the original gateway made, while it runs. Each change waits at most a second for its lock and holds it for milliseconds; indexes are built
/// concurrently; old rows are checked without a lock. An interrupted run is continued by the next one.
/// </summary>
internal sealed partial class Adopter(NpgsqlDataSource source, ILogger logger)
{
    /// <summary>Whether the database has tables of the original to adopt. Changes nothing.</summary>
    /// <exception cref="InvalidOperationException">They differ from what this step understands. The message lists the differences.</exception>
    public async Task<bool> InspectAsync(CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        if (!await OriginalSchema.IsThereAsync(connection, cancellationToken))
        {
            return false;
        }

        var faults = await OriginalSchema.FindFaultsAsync(connection, cancellationToken);
        return faults.Count == 0
            ? true
            : throw new InvalidOperationException(
                $"The database has tables of the original gateway that this step does not understand, and nothing was changed.\n- {string.Join("\n- ", faults)}\n"
                    + "Change the tables, or name another database."
            );
    }

    /// <summary>Changes the tables. Throws <see cref="PostgresException"/> when a lock is not free within a second; then run it again.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var change in AdoptionChange.All)
        {
            Log.WillChange(logger, change.Text);
        }

        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        foreach (var change in AdoptionChange.All)
        {
            Log.Changing(logger, change.Text);
            if (!change.IsTransaction)
            {
                await connection.ExecuteAsync(change.Sql, cancellationToken);
                continue;
            }

            var history = change == AdoptionChange.All[^1] ? History() : "";
            await connection.ChangeAsync($"{change.Sql};\n{history}", cancellationToken);
        }
    }

    /// <summary>The migrations that the adopted tables need not run any more.</summary>
    private static string History()
    {
        using var db = new ChatDbContext(new DbContextOptionsBuilder<ChatDbContext>().UseNpgsql().Options);
        var done = db.Database.GetMigrations().Where(id => string.CompareOrdinal(id, AdoptionChange.Target) <= 0);
        return $"""
            CREATE TABLE IF NOT EXISTS "__EFMigrationsHistory" ("MigrationId" character varying(150) NOT NULL, "ProductVersion" character varying(32) NOT NULL,
                CONSTRAINT "PK___EFMigrationsHistory" PRIMARY KEY ("MigrationId"));
            INSERT INTO "__EFMigrationsHistory" VALUES {string.Join(", ", done.Select(id => $"('{id}', 'adopted')"))};
            """;
    }

    private static partial class Log
    {
        [LoggerMessage(104, LogLevel.Information, "The tables of the original gateway will get: {Change}")]
        public static partial void WillChange(ILogger logger, string change);

        [LoggerMessage(105, LogLevel.Information, "Adding {Change}")]
        public static partial void Changing(ILogger logger, string change);
    }
}
