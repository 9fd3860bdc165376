using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Storage.Schema;
using Konstruct.Tests.Harness;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Storage;

/// <summary>The schema step against a server whose owner may create roles and databases and is no superuser, as managed servers have it.</summary>
public sealed class SchemaStepTests(DatabaseFactory databases)
{
    [Fact]
    public async Task It_makes_a_database_that_a_gateway_accepts_and_may_run_again()
    {
        var server = (await databases.CreateAsync()).Server;
        Assert.False(
            await server.AsSuperuser("postgres").ScalarAsync<bool>($"SELECT rolsuper FROM pg_roles WHERE rolname = '{PostgresServer.Owner}'")
        );
        var name = NewName();

        await RunAsync(server, name);
        await AssertServesAsync(server, name);
        await RunAsync(server, name);
        await AssertServesAsync(server, name);
        // Since version 16 whoever creates a role stays its administrator; using its rights is what nobody may.
        Assert.False(await server.AsSuperuser(name).ScalarAsync<bool>($"SELECT pg_has_role('{PostgresServer.Owner}', 'konstruct_sweeper', 'USAGE')"));
    }

    [Fact]
    public async Task Steps_that_run_at_once_on_one_database_and_on_others_wait_for_each_other()
    {
        var server = (await databases.CreateAsync()).Server;
        var names = new[] { NewName(), NewName() };

        await Task.WhenAll(names.Concat(names).Concat(names).Select(name => RunAsync(server, name)));

        foreach (var name in names)
        {
            await AssertServesAsync(server, name);
        }
    }

    [Fact]
    public async Task The_seed_of_Development_is_sown_once()
    {
        var server = (await databases.CreateAsync()).Server;
        var name = NewName();
        await Task.WhenAll(RunAsync(server, name, seed: true), RunAsync(server, name, seed: true));
        Assert.Equal(1L, await server.AsSuperuser(name).ScalarAsync<long>("SELECT count(*) FROM web_conversations"));
    }

    [Fact]
    public async Task Long_answers_are_compressed_by_lz4_where_the_server_has_it()
    {
        var sql = (await databases.CreateAsync()).Sql;
        var hasLz4 = await sql.ScalarAsync<bool>("SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'");
        var method = await sql.ScalarAsync<string>(
            "SELECT attcompression::text FROM pg_attribute WHERE attrelid = 'web_conversation_messages'::regclass AND attname = 'content'"
        );
        Assert.Equal(hasLz4 ? "l" : "", method);
    }

    [Fact]
    public async Task The_owner_is_no_serving_role()
    {
        var server = (await databases.CreateAsync()).Server;
        var owner = server.OwnerConnectionString(NewName());
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            new SchemaStep(owner, owner, NullLogger.Instance).RunAsync(false, TestContext.Current.CancellationToken)
        );
        Assert.Contains("The serving role must be another", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a wrong password", "password authentication failed")]
    [InlineData("an owner that may create no roles", "CREATEROLE")]
    [InlineData("a superuser as the serving role", "superuser")]
    public async Task What_cannot_work_is_a_sentence_and_code_1(string mistake, string sentence)
    {
        var database = await databases.CreateAsync();
        var owner = new NpgsqlConnectionStringBuilder(database.Server.OwnerConnectionString(database.Name));
        var serving = new NpgsqlConnectionStringBuilder(database.ServingConnectionString);
        switch (mistake)
        {
            case "a wrong password":
                owner.Password = "wrong";
                break;
            case "an owner that may create no roles":
                (owner.Username, owner.Password) = ($"r{Guid.NewGuid():N}", "secret");
                await database.Sql.ExecuteAsync($"CREATE ROLE {owner.Username} LOGIN PASSWORD 'secret' CREATEDB");
                break;
            default:
                (serving.Username, serving.Password) = ("postgres", "guessed");
                break;
        }

        await using var schema = await ServiceProcess.StartAsync(
            "Konstruct.Gateway",
            ["schema"],
            new Dictionary<string, string>
            {
                ["ConnectionStrings__konstruct-db"] = owner.ConnectionString,
                ["ConnectionStrings__konstruct"] = serving.ConnectionString,
            }
        );
        var ended = await Assert.ThrowsAsync<InvalidOperationException>(schema.WaitUntilHealthyAsync);
        Assert.Contains("ended with code 1", ended.Message, StringComparison.Ordinal);
        await Until.TrueAsync(() => Task.FromResult(schema.Log.Contains("The schema was not made.", StringComparison.Ordinal)));
        Assert.Contains(sentence, schema.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", schema.Log, StringComparison.Ordinal);
    }

    private static string NewName() => $"s{Guid.NewGuid():N}";

    private static Task RunAsync(PostgresServer server, string name, bool seed = false) =>
        new SchemaStep(server.OwnerConnectionString(name), server.ServingConnectionString(name), NullLogger.Instance).RunAsync(
            seed,
            TestContext.Current.CancellationToken
        );

    private static async Task AssertServesAsync(PostgresServer server, string name)
    {
        await using var source = NpgsqlDataSource.Create($"{server.ServingConnectionString(name)};Pooling=false");
        await using var db = new ChatDbContext(new DbContextOptionsBuilder<ChatDbContext>().UseNpgsql(source).Options);
        Assert.Equal(new GuardResult(GuardVerdict.Serve, ""), await ServingRoleGuard.InspectAsync(db, TestContext.Current.CancellationToken));
    }
}
