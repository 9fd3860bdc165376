using Konstruct.Contracts.Redis;
using Konstruct.LocalServers.Processes;
using StackExchange.Redis;

namespace Konstruct.Tests.Harness;

/// <summary>The servers that the tests of the pipeline run on.</summary>
internal enum RedisKind
{
    /// <summary>Garnet, as hosted by Konstruct.LocalServers.</summary>
    Garnet,

    /// <summary>An installed redis-server.</summary>
    Redis,

    /// <summary>Three of them as a Redis Cluster, each with a third of the slots.</summary>
    Cluster,
}

/// <summary>A Redis-compatible server of its own, in memory, with a password.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private const string Password = "redis-tests";
    private const string OtherPassword = "another password";

    private readonly RedisKind _kind;
    private readonly TemporaryFolder _folder = new();
    private readonly int[] _ports;
    private readonly List<LoggedProcess> _servers = [];
    private int _starts;
    private ConnectionMultiplexer? _connection;

    private RedisServer(RedisKind kind) =>
        (_kind, _ports) = (kind, [.. Enumerable.Range(0, kind is RedisKind.Cluster ? 3 : 1).Select(_ => Loopback.FreePort())]);

    /// <summary>The port; of a cluster, the first node's.</summary>
    public int Port => _ports[0];

    /// <summary>In the form that the services take it.</summary>
    public string ConnectionString => $"{string.Join(',', _ports.Select(port => $"127.0.0.1:{port}"))},password={Password}";

    /// <summary>The tests' own connection.</summary>
    public IDatabase Database => _connection!.GetDatabase();

    /// <summary>Skips the test, before anything is started, where redis-server is needed and missing.</summary>
    public static Task<RedisServer> StartAsync(RedisKind kind)
    {
        if (kind is not RedisKind.Garnet)
        {
            Requirement.Redis.Require();
        }

        return StartNewAsync(kind);
    }

    /// <summary>Publishes as an orchestrator would that is not ours; the result is how many are subscribed.</summary>
    public Task<long> PublishAsync(string channel, RedisValue payload) => Database.PublishAsync(RedisChannel.Literal(channel), payload);

    /// <summary>Every string in every list, hash and plain value whose key matches.</summary>
    public async Task<IReadOnlyList<string>> ValuesAsync(string keyPattern)
    {
        var values = new List<string>();
        foreach (var server in _connection!.GetServers())
        {
            await foreach (var key in server.KeysAsync(pattern: keyPattern))
            {
                values.AddRange(await ValuesOfAsync(key));
            }
        }
        return values;
    }

    /// <summary>Where the attempts of turns are that nobody has removed: waiting, leased or answered, a line each.</summary>
    public async Task<IReadOnlyList<string>> DispatchedAsync()
    {
        var lines = new List<string>();
        foreach (var key in new[] { RedisKeys.Queue, RedisKeys.Leases, RedisKeys.Answered })
        {
            lines.AddRange((await Database.SortedSetRangeByRankAsync(key)).Select(entry => $"{key}: {entry}"));
        }

        return lines;
    }

    /// <summary>Writes what it holds to its disk, for a start with <c>keepData</c>. Blocks the server meanwhile.</summary>
    public Task SaveAsync() => Database.ExecuteAsync("SAVE");

    /// <summary>Forgets everything, as an operator's mistake would.</summary>
    public Task FlushAsync() => Task.WhenAll(_connection!.GetServers().Select(server => server.ExecuteAsync("FLUSHALL")));

    /// <summary>Changes the password under everybody and cuts all connections but the tests' own: what services were told is wrong now.</summary>
    public async Task ChangePasswordAsync()
    {
        await Database.ExecuteAsync("CONFIG", "SET", "requirepass", OtherPassword);
        foreach (var kind in new[] { "normal", "pubsub" })
        {
            await Database.ExecuteAsync("CLIENT", "KILL", "TYPE", kind);
        }
    }

    /// <summary>What services were told is right again.</summary>
    public async Task RestorePasswordAsync()
    {
        var options = ConfigurationOptions.Parse(ConnectionString);
        (options.Password, options.AllowAdmin) = (OtherPassword, true);
        await using var connection = await ConnectionMultiplexer.ConnectAsync(options);
        await connection.GetDatabase().ExecuteAsync("CONFIG", "SET", "requirepass", Password);
    }

    /// <summary>How many keys each node holds.</summary>
    public async Task<IReadOnlyList<long>> KeysOfNodesAsync() =>
        await Task.WhenAll(_connection!.GetServers().Select(async server => (long)await server.ExecuteAsync("DBSIZE")));

    /// <summary>Starts the server on the port that it had: empty, or with what it saved last.</summary>
    public async Task StartServerAsync(bool keepData = false)
    {
        var folder = keepData ? DataFolder(_starts) : DataFolder(++_starts);
        _servers.Clear();
        if (_kind is RedisKind.Garnet)
        {
            var server = new LoggedProcess(
                "Garnet",
                ["dotnet", BuiltPrograms.Dll("Konstruct.LocalServers"), "redis", "--port", $"{Port}", "--data", folder],
                new Dictionary<string, string?> { ["KONSTRUCT_REDIS_PASSWORD"] = Password }
            );
            _servers.Add(server);
            await server.WaitForLogAsync($"ready on 127.0.0.1:{Port}");
            return;
        }

        foreach (var port in _ports)
        {
            var data = Directory.CreateDirectory(Path.Combine(folder, $"{port}")).FullName;
            var server = new LoggedProcess(
                "redis-server",
                [
                    Requirement.Redis.Require(),
                    "--port",
                    $"{port}",
                    "--bind",
                    "127.0.0.1",
                    "--requirepass",
                    Password,
                    "--dir",
                    data,
                    "--save",
                    "",
                    "--appendonly",
                    "no",
                    .. _kind is RedisKind.Cluster ? RedisCluster.Options() : [],
                ]
            );
            _servers.Add(server);
            await server.WaitForLogAsync("Ready to accept connections");
        }
    }

    /// <summary>Ends it as a crash would; what it held is gone.</summary>
    public Task KillServerAsync() => Task.WhenAll(_servers.Select(server => server.EndAsync(Signal.Kill)));

    /// <summary>Stops it from answering without closing a connection.</summary>
    public void Stall() => _servers.ForEach(server => server.Send(Signal.Stop));

    public void Resume() => _servers.ForEach(server => server.Send(Signal.Continue));

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
        {
            await _connection.DisposeAsync();
        }

        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }

        _folder.Dispose();
    }

    private static async Task<RedisServer> StartNewAsync(RedisKind kind)
    {
        var server = new RedisServer(kind);
        await server.StartServerAsync();
        if (kind is RedisKind.Cluster)
        {
            await RedisCluster.FormAsync(server._ports, Password);
        }

        server._connection = await ConnectionMultiplexer.ConnectAsync($"{server.ConnectionString},allowAdmin=true,abortConnect=false");
        return server;
    }

    private string DataFolder(int start) => Directory.CreateDirectory(Path.Combine(_folder.Path, $"{start}")).FullName;

    private async Task<IEnumerable<string>> ValuesOfAsync(RedisKey key) =>
        await Database.KeyTypeAsync(key) switch
        {
            RedisType.List => (await Database.ListRangeAsync(key)).Select(v => v.ToString()),
            RedisType.Hash => (await Database.HashValuesAsync(key)).Select(v => v.ToString()),
            RedisType.String => [(await Database.StringGetAsync(key)).ToString()],
            _ => [],
        };
}
