using Konstruct.Tests.Harness.Balancer;
using Npgsql;
using StackExchange.Redis;

namespace Konstruct.Tests.Harness;

/// <summary>The whole path as real processes: a database, a Redis-compatible server, a gateway, and workers.</summary>
internal sealed class Pipeline : IAsyncDisposable
{
    private readonly List<ServiceProcess> _services = [];
    private readonly Dictionary<string, string> _configuration;
    private TcpBalancer? _balancer;

    private Pipeline(Database database, RedisServer redis, string servingConnection, IReadOnlyDictionary<string, string> settings)
    {
        (Database, Redis) = (database, redis);
        _configuration = new(settings)
        {
            ["ConnectionStrings__redis"] = redis.ConnectionString,
            ["ConnectionStrings__konstruct"] = servingConnection,
        };
        // One person says in a second what a user says in a minute; the tests of these limits set them.
        _configuration.TryAdd("Edge__MessagesPerMinute", "0");
        _configuration.TryAdd("Edge__RequestsPerMinute", "0");
        _configuration.TryAdd("Edge__MaxSocketsPerUser", "0");
    }

    public Database Database { get; }

    public RedisServer Redis { get; }

    public Sql Sql => Database.Sql;

    /// <summary>The first gateway; behind a balancer, the balancer.</summary>
    public ServiceProcess Gateway { get; private set; } = null!;

    /// <summary>The first worker; there may be none.</summary>
    public ServiceProcess Worker { get; private set; } = null!;

    /// <summary>What the services logged last.</summary>
    public string Log
    {
        get
        {
            lock (_services)
            {
                return string.Join('\n', _services.Select(s => $"---- {s.Name}\n{s.Log}"));
            }
        }
    }

    /// <summary>Which processes answer, and where the turns are that have not ended.</summary>
    public async Task<string> DescribeAsync()
    {
        ServiceProcess[] services;
        lock (_services)
        {
            services = [.. _services];
        }

        var answers = await Task.WhenAll(
            services.Select(async service =>
                $"{service.Name}: /alive {await service.StatusAsync("/alive")}, /health {await service.StatusAsync("/health")}"
            )
        );
        return string.Join('\n', [.. answers, .. await TurnsAsync()]);
    }

    /// <summary>Starts everything and waits until it is ready.</summary>
    /// <param name="databases">Where the database comes from.</param>
    /// <param name="redis">Which server to run on.</param>
    /// <param name="workers">0 leaves the queue to the test.</param>
    /// <param name="settings">Environment variables for gateways and workers.</param>
    /// <param name="servingConnection">What gateways are told of the database; null: its own address.</param>
    public static async Task<Pipeline> StartAsync(
        DatabaseFactory databases,
        RedisKind redis,
        int workers = 1,
        IReadOnlyDictionary<string, string>? settings = null,
        Func<Database, Task<string>>? servingConnection = null
    )
    {
        var server = RedisServer.StartAsync(redis);
        var database = await databases.CreateAsync();
        var serving = servingConnection is null ? database.ServingConnectionString : await servingConnection(database);
        var pipeline = new Pipeline(database, await server, serving, settings ?? new Dictionary<string, string>());
        try
        {
            var gateway = pipeline.StartGatewayAsync();
            var orchestrators = Enumerable.Range(0, workers).Select(_ => pipeline.StartWorkerAsync()).ToArray();
            pipeline.Gateway = await gateway;
            foreach (var orchestrator in orchestrators.Reverse())
            {
                pipeline.Worker = await orchestrator;
            }

            return pipeline;
        }
        catch
        {
            await pipeline.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Another gateway on the same stores, ready to serve; <paramref name="at"/> is where it does without TLS, null: on a free port; <paramref name="prefix"/> is a
    /// command that executes it within limits.
    /// </summary>
    public Task<ServiceProcess> StartGatewayAsync(
        IReadOnlyDictionary<string, string>? settings = null,
        int? at = null,
        IEnumerable<string>? prefix = null
    ) => StartServiceAsync("Konstruct.Gateway", settings, at, prefix);

    /// <summary>Another worker on the same stores, ready to serve.</summary>
    public Task<ServiceProcess> StartWorkerAsync(IReadOnlyDictionary<string, string>? settings = null) =>
        StartServiceAsync("Konstruct.OrchestratorStub", settings);

    /// <summary>
    /// Puts a balancer before the gateway and a second one: clients that come to <see cref="Gateway"/> from now on get the one or the other, in turn, and never
    /// learn which.
    /// </summary>
    public async Task BalanceAsync()
    {
        var second = await StartGatewayAsync();
        _balancer = new TcpBalancer(Gateway.Port, second.Port);
        Gateway.StandBehind(_balancer);
    }

    /// <summary>Kills the worker, as a crash would, and starts another in its place.</summary>
    public async Task ReplaceWorkerAsync()
    {
        await Worker.KillAsync();
        Worker = await StartWorkerAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_balancer is not null)
        {
            await _balancer.DisposeAsync();
        }

        foreach (var service in _services)
        {
            await service.DisposeAsync();
        }

        await Redis.DisposeAsync();
    }

    private async Task<IEnumerable<string>> TurnsAsync()
    {
        try
        {
            return [.. await Redis.DispatchedAsync(), await Sql.DescribeAsync()];
        }
        catch (Exception e) when (e is RedisException or TimeoutException or NpgsqlException)
        {
            return [$"The stores cannot be asked: {e.Message}"];
        }
    }

    private async Task<ServiceProcess> StartServiceAsync(
        string project,
        IReadOnlyDictionary<string, string>? settings,
        int? at = null,
        IEnumerable<string>? prefix = null
    )
    {
        var environment = new Dictionary<string, string>(_configuration);
        foreach (var (key, value) in settings ?? new Dictionary<string, string>())
        {
            environment[key] = value;
        }

        var service = await ServiceProcess.StartAsync(project, [], environment, at, prefix);
        lock (_services)
        {
            _services.Add(service);
        }

        await service.WaitUntilHealthyAsync();
        return service;
    }
}
