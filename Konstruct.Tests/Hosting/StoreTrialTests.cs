using Konstruct.Gateway.Storage.Schema;
using Konstruct.Tests.Harness;
using Konstruct.Tests.Storage;
using Xunit;

namespace Konstruct.Tests.Hosting;

/// <summary>A real redis-server whose users the class may change.</summary>
public sealed class RedisWithUsers : IAsyncLifetime
{
    private StartFailure? _failure;
    private RedisServer? _redis;

    /// <summary>The started server. Reports why there is none where it did not start.</summary>
    internal RedisServer Redis
    {
        get
        {
            _failure?.Report();
            return _redis!;
        }
    }

    public async ValueTask InitializeAsync() =>
        _failure = await StartFailure.OfAsync(async () => _redis = await RedisServer.StartAsync(RedisKind.Redis), nameof(RedisWithUsers));

    public ValueTask DisposeAsync() => _redis?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>A user with these rights; the services' connection string for it.</summary>
    internal async Task<string> UserAsync(string name, string rules)
    {
        await Redis.Database.ExecuteAsync("ACL", ["SETUSER", name, "reset", "on", ">secret", .. rules.Split(' ')]);
        return $"127.0.0.1:{Redis.Port},user={name},password=secret";
    }
}

/// <summary>Ready means that it was tried: a store that answers a ping and refuses what is needed keeps gateway and worker out, and the log says what it refuses.</summary>
[Trait("Tier", "Long")]
public sealed class StoreTrialTests(DatabaseFactory databases, RedisWithUsers redis) : IClassFixture<RedisWithUsers>
{
    [Theory]
    [InlineData("Konstruct.Gateway", "~* +@all", "Redis refuses to SUBSCRIBE to channels such as")]
    [InlineData("Konstruct.Gateway", "~* &*:webchat:response:* +@all", "and publishes on")]
    [InlineData("Konstruct.Gateway", "~* &* +@all -@scripting", "Redis refuses to run a script (EVALSHA)")]
    [InlineData("Konstruct.Gateway", "~{* &* +@all", "'bucket:*'")]
    [InlineData("Konstruct.Gateway", "~{dispatch}:* ~bucket:* &* +@all", ":turn:")]
    [InlineData("Konstruct.Gateway", "~* &* +@all -zadd", "'{dispatch}:*'")]
    [InlineData("Konstruct.Gateway", "~* &* +@all -lrange", "read (LRANGE)")]
    [InlineData("Konstruct.OrchestratorStub", "~* +@all", "Redis refuses to SUBSCRIBE to channels such as 'konstruct:dispatch:wake'")]
    [InlineData("Konstruct.OrchestratorStub", "~* &konstruct:dispatch:* +@all", "and publishes on")]
    [InlineData("Konstruct.OrchestratorStub", "~{dispatch}:* &* +@all", ":turn:")]
    public async Task What_Redis_refuses_keeps_it_unready_until_it_does_not(string project, string rules, string sentence)
    {
        var user = $"u{Guid.NewGuid():N}";
        await using var service = await StartAsync(
            project,
            await redis.UserAsync(user, rules),
            (await databases.CreateAsync()).ServingConnectionString
        );
        await SaysAsync(service, sentence);
        await Until.TrueAsync(async () => await service.StatusAsync("/health") is 503);
        Assert.Equal(200, await service.StatusAsync("/alive"));
        Assert.Single(service.Log.Split('\n'), line => line.Contains(sentence, StringComparison.Ordinal)); // Once, not in each round.

        await redis.UserAsync(user, "~* &* +@all");
        await service.WaitUntilHealthyAsync();
    }

    /// <summary>The least that docs/guide/stores.md names is enough.</summary>
    [Theory]
    [InlineData("Konstruct.Gateway")]
    [InlineData("Konstruct.OrchestratorStub")]
    public async Task The_rights_that_the_docs_name_are_enough(string project)
    {
        var rules = "~{* ~bucket:* &*:webchat:response:* &konstruct:dispatch:* +@all -@admin -@dangerous +info";
        Assert.Contains(
            rules,
            await File.ReadAllTextAsync(BuiltPrograms.PathTo("docs/guide/stores.md"), TestContext.Current.CancellationToken),
            StringComparison.Ordinal
        );
        await using var service = await StartAsync(
            project,
            await redis.UserAsync($"u{Guid.NewGuid():N}", rules),
            (await databases.CreateAsync()).ServingConnectionString
        );
        await service.WaitUntilHealthyAsync();
    }

    [Theory]
    [InlineData(
        "ALTER DATABASE {0} SET default_transaction_read_only = on",
        "is read-only",
        "ALTER DATABASE {0} SET default_transaction_read_only = off"
    )]
    [InlineData(
        "REVOKE INSERT ON web_conversation_messages FROM konstruct_gateway",
        "refuses to store a message (accept_turn): permission denied for table web_conversation_messages",
        "GRANT INSERT ON web_conversation_messages TO konstruct_gateway"
    )]
    [InlineData(
        "REVOKE DELETE ON web_conversations FROM konstruct_gateway",
        "refuses to delete a conversation",
        "GRANT DELETE ON web_conversations TO konstruct_gateway"
    )]
    [InlineData(
        "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC, konstruct_gateway",
        "permission denied for function accept_turn",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO konstruct_gateway"
    )]
    [InlineData(
        "REVOKE EXECUTE ON FUNCTION pending_turns FROM konstruct_gateway",
        "refuses to sweep (pending_turns)",
        "GRANT EXECUTE ON FUNCTION pending_turns TO konstruct_gateway"
    )]
    public async Task What_Postgres_refuses_keeps_it_unready_until_it_does_not(string change, string sentence, string undo)
    {
        var database = await databases.CreateAsync();
        await database.Sql.ExecuteAsync(string.Format(null, change, database.Name));
        await using var gateway = await StartAsync("Konstruct.Gateway", redis.Redis.ConnectionString, database.ServingConnectionString);
        await SaysAsync(gateway, sentence);
        await Until.TrueAsync(async () => await gateway.StatusAsync("/health") is 503);

        var elsewhere = undo.StartsWith("ALTER DATABASE", StringComparison.Ordinal); // In a session that is not read-only itself.
        await (elsewhere ? database.Server.AsSuperuser("postgres") : database.Sql).ExecuteAsync(string.Format(null, undo, database.Name));
        await database
            .Server.AsSuperuser("postgres")
            .ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database.Name}'");
        await gateway.WaitUntilHealthyAsync();
        Assert.Equal(0L, await database.Sql.ScalarAsync<long>($"SELECT count(*) FROM web_conversations WHERE agent_id = '{StoreTrial.Agent}'")); // It was rolled back.
    }

    [Fact]
    public async Task A_database_that_cannot_hold_an_emoji_keeps_it_unready()
    {
        var database = await databases.CreateAsync();
        var name = $"l{Guid.NewGuid():N}";
        await database
            .Server.AsSuperuser("postgres")
            .ExecuteAsync($"CREATE DATABASE {name} OWNER {PostgresServer.Owner} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
        await OldSchemas.MakeAsync(database.Server, name); // The schema step refuses to.
        await using var gateway = await StartAsync("Konstruct.Gateway", redis.Redis.ConnectionString, database.Server.ServingConnectionString(name));
        await SaysAsync(gateway, "has the encoding LATIN1; it must be UTF8");
        await Until.TrueAsync(async () => await gateway.StatusAsync("/health") is 503);
    }

    private static Task SaysAsync(ServiceProcess service, string sentence) =>
        Until.TrueAsync(() => Task.FromResult(service.Log.Contains(sentence, StringComparison.Ordinal)));

    private static Task<ServiceProcess> StartAsync(string project, string redis, string postgres) =>
        ServiceProcess.StartAsync(
            project,
            [],
            new Dictionary<string, string> { ["ConnectionStrings__redis"] = redis, ["ConnectionStrings__konstruct"] = postgres }
        );
}
