using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Storage.Schema;
using Konstruct.Gateway.Storage.Schema.Sql;
using Konstruct.Tests.Harness;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql;

namespace Konstruct.Tests.Storage;

/// <summary>Schemas as the schema step does not make them any more. The server's roles exist already.</summary>
internal static class OldSchemas
{
    /// <summary>The first migration, with the functions that the first release had: <c>first-turns.sql</c>, which knows no open_conversation.</summary>
    public static async Task MakeFirstReleaseAsync(PostgresServer server, string name)
    {
        var functions = await File.ReadAllTextAsync(BuiltPrograms.PathTo("Konstruct.Tests/Storage/first-turns.sql"));
        await MakeOldAsync(server, name, "20261123180709_Initial", $"DROP FUNCTION open_conversation, accept_turn, finish_turn; {functions};");
    }

    /// <summary>The last schema in which the assistant's row is inserted pending when a message is accepted.</summary>
    public static Task MakeWithoutTurnsAsync(PostgresServer server, string name) => MakeOldAsync(server, name, "20261127161500_AnswersByLz4", "");

    /// <summary>The same in a database of today.</summary>
    public static async Task GoBackToWithoutTurnsAsync(Database database) =>
        await MakeAsync(database.Server, database.Name, "20261127161500_AnswersByLz4", rights: await FirstGrantsAsync());

    /// <summary>Migrations and grants in a database that exists.</summary>
    public static async Task MakeAsync(PostgresServer server, string name, string? last = null, string more = "", string? rights = null)
    {
        // Memberships belong to the server: without the lock of the schema step, one that runs meanwhile loses its own.
        await using var locks = NpgsqlDataSource.Create($"{server.OwnerConnectionString("postgres")};Pooling=false");
        await using var holder = await locks.OpenConnectionAsync();
        await using var hold = new NpgsqlCommand($"SELECT pg_advisory_lock({SchemaStep.LockKey})", holder);
        await hold.ExecuteNonQueryAsync();
        await using var source = NpgsqlDataSource.Create($"{server.OwnerConnectionString(name)};Pooling=false");
        await using var role = source.CreateCommand($"GRANT konstruct_sweeper TO {PostgresServer.Owner}");
        await role.ExecuteNonQueryAsync();
        await using var db = new ChatDbContext(new DbContextOptionsBuilder<ChatDbContext>().UseNpgsql(source).Options);
        await db.GetService<IMigrator>().MigrateAsync(last);
        await using var grants = source.CreateCommand(
            more
                + (rights ?? Embedded.Grants).Replace(
                    "current_setting('konstruct.role')",
                    $"'{PostgresServer.ServingRole}'",
                    StringComparison.Ordinal
                )
        );
        await grants.ExecuteNonQueryAsync();
    }

    private static async Task MakeOldAsync(PostgresServer server, string name, string last, string more)
    {
        await server.AsSuperuser("postgres").ExecuteAsync($"CREATE DATABASE {name} OWNER {PostgresServer.Owner}");
        await MakeAsync(server, name, last, more, await FirstGrantsAsync());
    }

    private static Task<string> FirstGrantsAsync() => File.ReadAllTextAsync(BuiltPrograms.PathTo("Konstruct.Tests/Storage/first-grants.sql"));
}
