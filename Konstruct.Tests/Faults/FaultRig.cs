using System.Globalization;
using Konstruct.Contracts.Redis;
using Konstruct.Tests.Harness;
using Konstruct.Tests.Harness.Balancer;
using Npgsql;
using StackExchange.Redis;

namespace Konstruct.Tests.Faults;

/// <summary>A service and its own ways to the stores, so that one can lose them while the others do not.</summary>
internal sealed class Node(string project, RedisServer redis, Database database, IReadOnlyDictionary<string, string> settings) : IAsyncDisposable
{
    private string _before = "";

    /// <summary>To Redis.</summary>
    public TcpProxy Redis { get; } = new(redis.Port);

    /// <summary>To Postgres; a worker has no use for it.</summary>
    public TcpProxy Postgres { get; } = new(new NpgsqlConnectionStringBuilder(database.ServingConnectionString).Port);

    public ServiceProcess Process { get; private set; } = null!;

    /// <summary>Where it serves, also when it has been started again: a balancer goes on knowing it.</summary>
    public int Port { get; } = Loopback.FreePort();

    /// <summary>What this node's process logged last, and the one before it.</summary>
    public string Log => $"---- {project}, before\n{_before}\n---- {project}\n{Process?.Log}";

    /// <summary>Starts it, again if need be, on its port, and waits until it is ready.</summary>
    public async Task StartAsync()
    {
        await LaunchAsync();
        await Process.WaitUntilHealthyAsync();
    }

    /// <summary>The same without the wait: its stores may be away.</summary>
    public async Task LaunchAsync()
    {
        var toRedis = redis.ConnectionString.Replace($":{redis.Port},", $":{Redis.Port},", StringComparison.Ordinal);
        var toPostgres = new NpgsqlConnectionStringBuilder(database.ServingConnectionString) { Port = Postgres.Port };
        var started = await ServiceProcess.StartAsync(
            project,
            [],
            new Dictionary<string, string>(settings)
            {
                ["ConnectionStrings__redis"] = toRedis,
                ["ConnectionStrings__konstruct"] = toPostgres.ConnectionString,
            },
            Port
        );
        if (Process is { } previous)
        {
            _before = previous.Log;
            await previous.DisposeAsync();
        }

        Process = started;
    }

    public async ValueTask DisposeAsync()
    {
        if (Process is not null)
        {
            await Process.DisposeAsync();
        }

        await Redis.DisposeAsync();
        await Postgres.DisposeAsync();
    }
}

/// <summary>What a rig is made of.</summary>
/// <param name="Workers">Each worker's project, or its script.</param>
/// <param name="IsOnSmallDisk">Whether Postgres gets a disk that a test can fill, where the machine allows it.</param>
/// <param name="OfTheSecond">Environment of the second gateway and the second worker alone.</param>
/// <param name="OfAll">Environment of every gateway and worker, beside the rig's own.</param>
internal sealed record FaultRigOptions(
    IReadOnlyList<string> Workers,
    bool IsOnSmallDisk = false,
    IReadOnlyDictionary<string, string>? OfTheSecond = null,
    IReadOnlyDictionary<string, string>? OfAll = null
);

/// <summary>
/// Two gateways and workers, each behind proxies of its own, on a Redis and a Postgres of their own; leases and sweeps are short, so that a repair
/// takes seconds. It is used for one fault after another, and mended after each.
/// </summary>
internal sealed class FaultRig : IAsyncDisposable
{
    /// <summary>How long a worker's lease lasts here; the default is 30 s.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(2);

    private static readonly Dictionary<string, string> Settings = new()
    {
        ["Chat__CreateMissingConversations"] = "true",
        ["Chat__MaxTurnsPerConversation"] = "20",
        ["Chat__SweepInterval"] = "00:00:00.5",
        ["Chat__SweepAge"] = "00:00:01",
        ["Dispatch__Lease"] = $"{Lease}",
        ["Edge__MessagesPerMinute"] = "0",
        ["Edge__RequestsPerMinute"] = "0",
        ["Edge__MaxSocketsPerUser"] = "0",
        ["Logging__LogLevel__StackExchange.Redis"] = "None",
    };

    private static readonly Dictionary<string, string> None = [];

    private readonly DatabaseFactory _databases;

    private FaultRig(DatabaseFactory databases, Database database, RedisServer redis, FaultRigOptions options)
    {
        (_databases, Database, Redis) = (databases, database, redis);
        Dictionary<string, string> settings = new([.. Settings, .. options.OfAll ?? None]),
            ofTheSecond = new([.. settings, .. options.OfTheSecond ?? None]);
        Node Node(string project, int number) => new(project, redis, database, number == 1 ? ofTheSecond : settings);
        Gateways = [Node("Konstruct.Gateway", 0), Node("Konstruct.Gateway", 1)];
        Workers = [.. options.Workers.Select(Node)];
    }

    public Database Database { get; }

    public RedisServer Redis { get; }

    public IReadOnlyList<Node> Gateways { get; }

    public IReadOnlyList<Node> Workers { get; }

    /// <summary>A plain TCP balancer before the gateways, for clients that know only one address.</summary>
    public TcpBalancer Balancer { get; private set; } = null!;

    public IEnumerable<Node> Nodes => Gateways.Concat(Workers);

    public string Log => string.Join('\n', Nodes.Select(node => node.Log));

    public static async Task<FaultRig> StartAsync(RedisKind kind, FaultRigOptions options)
    {
        // Its own server: it will be killed.
        var databases = new DatabaseFactory { IsOnSmallDisk = options.IsOnSmallDisk };
        var redis = RedisServer.StartAsync(kind);
        var rig = new FaultRig(databases, await databases.CreateAsync(), await redis, options);
        try
        {
            await Task.WhenAll(rig.Nodes.Select(node => node.StartAsync()));
            rig.Balancer = new TcpBalancer([.. rig.Gateways.Select(gateway => gateway.Port)]);
            return rig;
        }
        catch
        {
            await rig.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whatever the last fault broke is whole again.</summary>
    public async Task MendAsync()
    {
        foreach (var node in Nodes)
        {
            foreach (var proxy in new[] { node.Redis, node.Postgres })
            {
                proxy.Disarm();
                proxy.Refuses = false;
                proxy.Delay = TimeSpan.Zero;
                proxy.Resume();
            }
        }

        await Task.WhenAll(Nodes.Where(node => node.Process.HasEnded).Select(node => node.StartAsync()));
    }

    /// <summary>What the stores still hold of turns that have ended, and of sockets that have closed; empty when all is tidy.</summary>
    public async Task<IReadOnlyList<string>> LeftBehindAsync()
    {
        var left = new List<string>(await Redis.DispatchedAsync());
        left.AddRange((await Redis.Database.HashKeysAsync(RedisKeys.Tasks)).Select(entry => $"{RedisKeys.Tasks}: {entry}"));
        left.AddRange((await Redis.Database.ListRangeAsync("celery")).Select(task => $"celery: {task}"));
        left.AddRange((await Redis.ValuesAsync("*}:place")).Select(turn => $"the place of {turn}"));
        var channels = (RedisResult[])(await Redis.Database.ExecuteAsync("PUBSUB", "CHANNELS", "*:webchat:response:*"))!;
        left.AddRange(channels.Select(channel => $"channel {channel}"));
        var pending = await Database.Sql.RunningTurnCountAsync();
        if (pending > 0)
        {
            left.Add(string.Create(CultureInfo.InvariantCulture, $"{pending} pending turns"));
        }

        return left;
    }

    public async ValueTask DisposeAsync()
    {
        if (Balancer is not null)
        {
            await Balancer.DisposeAsync();
        }

        foreach (var node in Nodes)
        {
            await node.DisposeAsync();
        }

        await Redis.DisposeAsync();
        await _databases.DisposeAsync();
    }
}
