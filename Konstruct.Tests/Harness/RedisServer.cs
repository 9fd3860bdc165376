using StackExchange.Redis;

namespace Konstruct.Tests.Harness;

/// <summary>The servers that the tests of the pipeline run on.</summary>
internal enum RedisKind
{
    /// <summary>Garnet, as hosted by Konstruct.LocalServers.</summary>
    Garnet,

    /// <summary>An installed redis-server.</summary>
    Redis,
}

/// <summary>A Redis-compatible server of its own, in memory, with a password.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private const string Password = "redis-tests";

    private readonly RedisKind _kind;
    private readonly TemporaryFolder _folder = new();
    private readonly int _port = Loopback.FreePort();
    private ChildProcess? _server;
    private int _starts;
    private ConnectionMultiplexer? _connection;

    private RedisServer(RedisKind kind) => _kind = kind;

    public int Port => _port;

    /// <summary>In the form that the services take it.</summary>
    public string ConnectionString => $"127.0.0.1:{_port},password={Password}";

    public static async Task<RedisServer> StartAsync(RedisKind kind)
    {
        var server = new RedisServer(kind);
        await server.StartServerAsync();
        server._connection = await ConnectionMultiplexer.ConnectAsync($"{server.ConnectionString},allowAdmin=true,abortConnect=false");
        return server;
    }

    /// <summary>The tests' own connection.</summary>
    public IDatabase Database => _connection!.GetDatabase();

    /// <summary>Publishes as an orchestrator would that is not ours; the result is how many are subscribed.</summary>
    public Task<long> PublishAsync(string channel, string payload) => Database.PublishAsync(RedisChannel.Literal(channel), payload);

    /// <summary>Every string in every list, hash and plain value whose key matches.</summary>
    public async Task<IReadOnlyList<string>> ValuesAsync(string keyPattern)
    {
        var values = new List<string>();
        await foreach (var key in _connection!.GetServers()[0].KeysAsync(pattern: keyPattern))
            values.AddRange(await ValuesOfAsync(key));
        return values;
    }

    /// <summary>Writes what it holds to its disk, for a start with <c>keepData</c>. Blocks the server meanwhile.</summary>
    public Task SaveAsync() => Database.ExecuteAsync("SAVE");

    /// <summary>Forgets everything, as an operator's mistake would.</summary>
    public Task FlushAsync() => Database.ExecuteAsync("FLUSHALL");

    /// <summary>Starts the server on the port that it had: empty, or with what it saved last.</summary>
    public async Task StartServerAsync(bool keepData = false)
    {
        var folder = keepData ? DataFolder(_starts) : DataFolder(++_starts);
        if (_kind is RedisKind.Garnet)
        {
            _server = await ChildProcess.StartAsync(
                "Garnet",
                ["dotnet", BuiltPrograms.Dll("Konstruct.LocalServers"), "redis", "--port", $"{_port}", "--data", folder, "--stop-with-stdin"],
                new Dictionary<string, string?> { ["KONSTRUCT_REDIS_PASSWORD"] = Password });
            await _server.WaitForLogAsync($"ready on 127.0.0.1:{_port}");
        }
        else
        {
            _server = await ChildProcess.StartAsync(
                "redis-server",
                [
                    "redis-server", "--port", $"{_port}", "--bind", "127.0.0.1", "--requirepass", Password,
                    "--dir", folder, "--save", "", "--appendonly", "no",
                ]);
            await _server.WaitForLogAsync("Ready to accept connections");
        }
    }

    /// <summary>Ends it as a crash would; what it held is gone.</summary>
    public Task KillServerAsync() => _server!.EndAsync(Signal.Kill);

    /// <summary>Stops it from answering without closing a connection.</summary>
    public void Stall() => _server!.Signal(Signal.Stop);

    public void Resume() => _server!.Signal(Signal.Continue);

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
            await _connection.DisposeAsync();
        if (_server is not null)
            await _server.DisposeAsync();
        _folder.Dispose();
    }

    private string DataFolder(int start) => Directory.CreateDirectory(Path.Combine(_folder.Path, $"{start}")).FullName;

    private async Task<IEnumerable<string>> ValuesOfAsync(RedisKey key) => await Database.KeyTypeAsync(key) switch
    {
        RedisType.List => (await Database.ListRangeAsync(key)).Select(v => v.ToString()),
        RedisType.Hash => (await Database.HashValuesAsync(key)).Select(v => v.ToString()),
        RedisType.String => [(await Database.StringGetAsync(key)).ToString()],
        _ => [],
    };
}
