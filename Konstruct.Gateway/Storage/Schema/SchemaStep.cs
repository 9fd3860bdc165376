using Konstruct.Gateway.Storage.Schema.Adoption;
using Konstruct.Gateway.Storage.Schema.Sql;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Konstruct.Gateway.Storage.Schema;

/// <summary>
/// Creates the database, roles, tables and policies with the owner's credentials. The owner need not be a superuser. It requires
/// CREATEROLE, and CREATEDB if the database is missing. Safe to repeat and to run concurrently: an advisory lock serializes the runs.
/// </summary>
internal sealed partial class SchemaStep(string ownerConnection, string servingConnection, ILogger logger)
{
    /// <summary>Key of the advisory lock: the first eight ASCII characters of "konstruct".</summary>
    internal const long LockKey = 0x6b6f6e7374727563;

    /// <summary>Pinned search path: otherwise the tables would go into a schema named like the owner, if there is one.</summary>
    private readonly NpgsqlConnectionStringBuilder _owner = new(ownerConnection) { SearchPath = "public" };

    private readonly NpgsqlConnectionStringBuilder _serving = new(servingConnection);

    /// <summary>Runs all steps. Throws <see cref="NpgsqlException"/> when Postgres refuses or cannot be reached.</summary>
    public async Task RunAsync(bool seedDevelopment, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(_serving.Username) || string.IsNullOrEmpty(_serving.Password) || string.IsNullOrEmpty(_owner.Database))
        {
            throw new InvalidOperationException(
                "ConnectionStrings:konstruct must name user and password of the serving role, and ConnectionStrings:konstruct-db a database."
            );
        }

        if (_serving.Username == _owner.Username)
        {
            throw new InvalidOperationException(
                $"ConnectionStrings:konstruct uses the owner's role '{_owner.Username}'. The serving role must be another: the owner could switch row level security off."
            );
        }

        // Roles belong to the server, but an advisory lock belongs to one database. So all schema steps lock in the same maintenance database.
        await using var holder = await OpenMaintenanceAsync(cancellationToken);
        await using (var take = new NpgsqlCommand($"SELECT pg_advisory_lock({LockKey})", holder) { CommandTimeout = 300 })
        {
            await take.ExecuteNonQueryAsync(cancellationToken);
        }

        await SchemaDatabase.EnsureAsync(holder, _owner.Database, logger, cancellationToken);
        await using var source = NpgsqlDataSource.Create(_owner);
        var adopter = new Adopter(source, logger);
        var isOriginal = await adopter.InspectAsync(cancellationToken);
        Log.Roles(logger, _serving.Username);
        await RunWithRoleAsync(source, Embedded.Roles, cancellationToken);
        if (isOriginal)
        {
            await adopter.RunAsync(cancellationToken);
        }

        Log.Migrating(logger, _owner.Database);
        await MigrateAsync(source, cancellationToken);
        await RunWithRoleAsync(source, Embedded.Grants, cancellationToken);
        await new OldRows(source, logger).CheckAsync(cancellationToken);
#if DEVELOPMENT_TOOLS
        if (seedDevelopment)
        {
            await Development.DevelopmentSeed.RunAsync(source, cancellationToken);
        }
#endif

        Log.Done(logger, _owner.Database);
    }

    private async Task<NpgsqlConnection> OpenMaintenanceAsync(CancellationToken cancellationToken)
    {
        var maintenance = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(ownerConnection) { Database = "postgres", Pooling = false }.ConnectionString
        );
        try
        {
            await maintenance.OpenAsync(cancellationToken);
            return maintenance;
        }
        catch (PostgresException exception)
            when (exception.SqlState is PostgresErrorCodes.InvalidCatalogName or PostgresErrorCodes.InsufficientPrivilege)
        {
            // Some managed servers have no such database or deny access to it. Then the target database already exists.
            await maintenance.DisposeAsync();
        }

        var own = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ownerConnection) { Pooling = false }.ConnectionString);
        await own.OpenAsync(cancellationToken);
        return own;
    }

    private async Task RunWithRoleAsync(NpgsqlDataSource source, string sql, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (
            var settings = new NpgsqlCommand("SELECT set_config('konstruct.role', $1, true), set_config('konstruct.verifier', $2, true)", connection)
        )
        {
            settings.Parameters.Add(new() { Value = _serving.Username });
            settings.Parameters.Add(new() { Value = ScramVerifier.Of(_serving.Password!) });
            await settings.ExecuteNonQueryAsync(cancellationToken);
        }

        await using (var command = new NpgsqlCommand(sql, connection))
        {
            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task MigrateAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        var options = new DbContextOptionsBuilder<ChatDbContext>().UseNpgsql(source).Options;
        await using var db = new ChatDbContext(options);
        await db.Database.MigrateAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(101, LogLevel.Information, "Making sure of the roles konstruct_sweeper and {Role}")]
        public static partial void Roles(ILogger logger, string role);

        [LoggerMessage(102, LogLevel.Information, "Bringing the tables of {Database} up to date")]
        public static partial void Migrating(ILogger logger, string database);

        [LoggerMessage(103, LogLevel.Information, "The schema of {Database} is ready")]
        public static partial void Done(ILogger logger, string database);
    }
}
