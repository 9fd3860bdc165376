using Konstruct.Tests.Harness;
using StackExchange.Redis;
using Xunit;

namespace Konstruct.Tests.LocalServers;

/// <summary>What the application needs of a Redis server, asked of the one that takes Redis' place.</summary>
public sealed class RedisServerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Data => Path.Combine(_folder.Path, "redis");

    [Fact]
    public async Task Scripts_work_on_lists_hashes_sorted_sets_and_time()
    {
        await using var server = await LocalServer.StartAsync("redis", Data);
        await using var redis = await ConnectAsync(server);
        const string Script = """
            redis.call('RPUSH', KEYS[1], ARGV[1])
            redis.call('HSET', KEYS[2], 'field', ARGV[1])
            local time = redis.call('TIME')
            redis.call('ZADD', KEYS[3], time[1], ARGV[1])
            redis.call('EXPIRE', KEYS[1], 60)
            return string.format('%d %s %d', redis.call('LLEN', KEYS[1]), redis.call('HGET', KEYS[2], 'field'), redis.call('ZCARD', KEYS[3]))
            """;

        // StackExchange.Redis sends EVAL once and EVALSHA from then on.
        var first = await redis.GetDatabase().ScriptEvaluateAsync(Script, ["{a}log", "{a}fence", "{a}leases"], ["x"]);
        var second = await redis.GetDatabase().ScriptEvaluateAsync(Script, ["{a}log", "{a}fence", "{a}leases"], ["y"]);

        Assert.Equal("1 x 1", (string?)first);
        Assert.Equal("2 y 2", (string?)second);
        var score = await redis.GetDatabase().SortedSetScoreAsync("{a}leases", "y");
        Assert.InRange(score!.Value, DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 60, DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 60);
    }

    [Fact]
    public async Task A_publish_inside_a_script_reaches_subscribers()
    {
        await using var server = await LocalServer.StartAsync("redis", Data);
        await using var redis = await ConnectAsync(server);
        var heard = new TaskCompletionSource<string?>();
        await redis.GetSubscriber().SubscribeAsync(RedisChannel.Literal("tenant:webchat:response:1"), (_, message) => heard.TrySetResult(message));

        await redis
            .GetDatabase()
            .ScriptEvaluateAsync("return redis.call('PUBLISH', ARGV[1], ARGV[2])", values: ["tenant:webchat:response:1", "chunk"]);

        Assert.Equal("chunk", await heard.Task.WaitAsync(LocalServer.Deadline, TestContext.Current.CancellationToken));
    }

    /// <summary>Without Lua-transaction-mode in Garnet two scripts interleave, and counts like this one come out short.</summary>
    [Fact]
    public async Task Scripts_are_atomic()
    {
        await using var server = await LocalServer.StartAsync("redis", Data);
        await using var redis = await ConnectAsync(server);
        await using var other = await ConnectAsync(server);
        const string Increment =
            "local n = tonumber(redis.call('GET', KEYS[1]) or '0'); redis.call('SET', KEYS[1], string.format('%d', n + 1)); return n";

        await Task.WhenAll(
            Enumerable.Range(0, 400).Select(i => (i % 2 == 0 ? redis : other).GetDatabase().ScriptEvaluateAsync(Increment, ["counter"]))
        );

        Assert.Equal(400, (int)await redis.GetDatabase().StringGetAsync("counter"));
    }

    [Fact]
    public async Task Data_survives_a_stop()
    {
        await using (var server = await LocalServer.StartAsync("redis", Data))
        {
            await using var redis = await ConnectAsync(server);
            await WriteAsync(redis);
            await server.StopAsync();
            Assert.Equal(0, server.ExitCode);
        }
        await AssertDataIsThereAsync();
    }

    [Fact]
    public async Task Data_survives_a_kill_once_the_log_is_written()
    {
        await using (var server = await LocalServer.StartAsync("redis", Data))
        {
            await using var redis = await ConnectAsync(server);
            await WriteAsync(redis);
            // The server writes its log every 100 ms; this waits for exactly that instead of sleeping.
            await redis.GetDatabase().ExecuteAsync("COMMITAOF");
            await server.KillAsync();
        }
        await AssertDataIsThereAsync();
    }

    [Fact]
    public async Task A_wrong_password_is_refused()
    {
        await using var server = await LocalServer.StartAsync("redis", Data);
        await Assert.ThrowsAsync<RedisConnectionException>(() => ConnectAsync(server, "wrong"));
    }

    public void Dispose() => _folder.Dispose();

    private static async Task WriteAsync(ConnectionMultiplexer redis)
    {
        var database = redis.GetDatabase();
        await database.ListRightPushAsync("list", ["a", "b"]);
        await database.HashSetAsync("hash", "field", "value");
        await database.ScriptEvaluateAsync("return redis.call('ZADD', KEYS[1], 7, 'member')", ["set"]);
    }

    private async Task AssertDataIsThereAsync()
    {
        await using var server = await LocalServer.StartAsync("redis", Data);
        await using var redis = await ConnectAsync(server);
        var database = redis.GetDatabase();
        Assert.Equal(["a", "b"], (await database.ListRangeAsync("list")).Select(value => (string?)value));
        Assert.Equal("value", (string?)await database.HashGetAsync("hash", "field"));
        Assert.Equal(7, await database.SortedSetScoreAsync("set", "member"));
    }

    private static async Task<ConnectionMultiplexer> ConnectAsync(LocalServer server, string password = LocalServer.Password) =>
        await ConnectionMultiplexer.ConnectAsync(
            new ConfigurationOptions
            {
                EndPoints = { { "127.0.0.1", server.Port } },
                Password = password,
                ConnectTimeout = 15_000,
                SyncTimeout = 15_000,
                AsyncTimeout = 15_000,
            }
        );
}
