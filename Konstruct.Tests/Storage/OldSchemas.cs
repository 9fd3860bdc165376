using Konstruct.Gateway.Storage;
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
        await server.AsSuperuser("postgres").ExecuteAsync($"CREATE DATABASE {name} OWNER {PostgresServer.Owner}");
        var functions = await File.ReadAllTextAsync(BuiltPrograms.PathTo("Konstruct.Tests/Storage/first-turns.sql"));
        await MakeAsync(server, name, "20261123180709_Initial", $"DROP FUNCTION open_conversation, accept_turn, finish_turn; {functions};");
    }

    /// <summary>Migrations and grants in a database that exists.</summary>
    public static async Task MakeAsync(PostgresServer server, string name, string? last = null, string more = "")
    {
        await using var source = NpgsqlDataSource.Create($"{server.OwnerConnectionString(name)};Pooling=false");
        await using var role = source.CreateCommand($"GRANT konstruct_sweeper TO {PostgresServer.Owner}");
        await role.ExecuteNonQueryAsync();
        await using var db = new ChatDbContext(new DbContextOptionsBuilder<ChatDbContext>().UseNpgsql(source).Options);
        await db.GetService<IMigrator>().MigrateAsync(last);
        await using var grants = source.CreateCommand(
            more + Embedded.Grants.Replace("current_setting('konstruct.role')", $"'{PostgresServer.ServingRole}'", StringComparison.Ordinal)
        );
        await grants.ExecuteNonQueryAsync();
    }
}
