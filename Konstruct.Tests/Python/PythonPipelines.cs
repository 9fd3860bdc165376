using Konstruct.Tests.Faults;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Python;

/// <summary>Two gateways, and workers in Python in the place of the stub; leases and sweeps are short, so that a repair takes seconds.</summary>
public sealed class PythonPipeline(DatabaseFactory databases) : PipelineFixture(databases)
{
    /// <summary>The stub's scenarios on the library.</summary>
    public const string Script = "clients/python/tests/stub_worker.py";

    private readonly List<ServiceProcess> _workers = [];

    /// <summary>What the workers logged last.</summary>
    internal string WorkerLogs => string.Join('\n', _workers.Select(worker => $"---- {worker.Name} {worker.Id}\n{worker.Log}"));

    private protected override bool HasOtherGateway => true;

    private protected override int Workers => 0;

    private protected override Dictionary<string, string> Settings =>
        new()
        {
            ["Chat__CreateMissingConversations"] = "true",
            ["Chat__SweepInterval"] = "00:00:00.5",
            ["Chat__SweepAge"] = "00:00:01",
            ["Dispatch__Lease"] = "00:00:02",
            ["Dispatch__DrainLimit"] = "00:00:20",
            ["Dispatch__MaxAnswerBytes"] = "200000",
        };

    public override async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            await worker.DisposeAsync();
        }

        await base.DisposeAsync();
    }

    /// <summary>The one worker that runs: the first that a test asks for, until it has ended.</summary>
    internal async Task<ServiceProcess> WorkerAsync() => _workers.FirstOrDefault(worker => !worker.HasEnded) ?? await StartWorkerAsync();

    /// <summary>Another worker, ready to serve.</summary>
    internal async Task<ServiceProcess> StartWorkerAsync(IReadOnlyDictionary<string, string>? settings = null)
    {
        var environment = Settings;
        environment["ConnectionStrings__redis"] = Pipeline.Redis.ConnectionString;
        foreach (var (key, value) in settings ?? new Dictionary<string, string>())
        {
            environment[key] = value;
        }

        var worker = await ServiceProcess.StartAsync(Script, [], environment);
        _workers.Add(worker);
        await worker.WaitUntilHealthyAsync();
        return worker;
    }

    private protected override Task StartAsync()
    {
        Requirement.Python.Require();
        return base.StartAsync();
    }
}

public sealed class PythonFaultRigs<TRedis> : FaultRigs
    where TRedis : IRedisKind
{
    private protected override RedisKind Redis => TRedis.Kind;

    private protected override string Worker => PythonPipeline.Script;

    private protected override string Table => "faults-python.md";
}
