using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Konstruct.Tests.Faults;
using Konstruct.Tests.Harness;
using Konstruct.Tests.Python;

namespace Konstruct.Tests.Chaos;

/// <summary>Two gateways, two workers in C# and one in Python, and a way of their own for clients to each gateway. Everything can break.</summary>
internal sealed partial class ChaosRig : IAsyncDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    /// <summary>How errors are marked that were not foreseen: event 601 and its like in Python, and the bug of a socket (201).</summary>
    private static readonly string[] Unforeseen = ["An unforeseen error", "[201]"];

    /// <summary>What the system ends a process with that has just been started and does not handle signals yet.</summary>
    private const int Terminated = 128 + 15;

    private readonly FaultRig _rig;
    private readonly Dictionary<string, Node> _nodes;
    private readonly Dictionary<string, TcpProxy> _links;
    private readonly Door[] _doors;

    private ChaosRig(FaultRig rig, ShiftedClock? clock)
    {
        (_rig, Clock) = (rig, clock);
        _doors = [.. rig.Gateways.Select(gateway => new Door(new TcpProxy(gateway.Port)))];
        _nodes = Targets.Processes.Zip(rig.Nodes).ToDictionary();
        _links = Targets
            .ToRedis.Zip(rig.Nodes.Select(node => node.Redis))
            .Concat(Targets.ToPostgres.Zip(rig.Gateways.Select(node => node.Postgres)))
            .Concat(Targets.ToGateways.Zip(_doors.Select(door => door.Proxy)))
            .ToDictionary();
    }

    public RedisServer Redis => _rig.Redis;

    public PostgresServer Postgres => _rig.Database.Server;

    public Sql Sql => _rig.Database.Sql;

    /// <summary>Null: not installed.</summary>
    public ShiftedClock? Clock { get; }

    /// <summary>Where clients connect: the ways to the gateways.</summary>
    public IReadOnlyList<IServer> Doors => _doors;

    /// <summary>All processes, by the names of <see cref="Targets"/>.</summary>
    public IReadOnlyDictionary<string, Node> Nodes => _nodes;

    public string Log => _rig.Log;

    /// <summary>Errors that a process had not foreseen, and survived.</summary>
    public ConcurrentQueue<string> Errors { get; } = new();

    /// <summary>Why a gateway failed a turn, as its log says.</summary>
    public ConcurrentDictionary<Guid, string> Reasons { get; } = new();

    /// <summary>What broke a promise while faults were played.</summary>
    public ConcurrentQueue<Violation> Violations { get; } = new();

    public static async Task<ChaosRig> StartAsync()
    {
        var clock = await ShiftedClock.TryMakeAsync();
        const string Worker = "Konstruct.OrchestratorStub";
        var options = new FaultRigOptions([Worker, Worker, PythonPipeline.Script], IsOnSmallDisk: true, clock?.Environment);
        try
        {
            return new(await FaultRig.StartAsync(RedisKind.Redis, options), clock);
        }
        catch
        {
            clock?.Dispose();
            throw;
        }
    }

    public Node NodeOf(string target) => _nodes[target];

    public TcpProxy LinkOf(string target) => _links[target];

    /// <summary>As a crash does.</summary>
    public async Task KillAsync(string target)
    {
        NoteEnd(target);
        NoteErrors(target);
        await NodeOf(target).Process.KillAsync();
    }

    /// <summary>As a deployment does. A process that does not end in time, or not in order, breaks a promise.</summary>
    public async Task StopInOrderAsync(string target)
    {
        NoteEnd(target);
        var process = NodeOf(target).Process;
        var hasStarted = await process.StatusAsync("/alive") is 200;
        try
        {
            await process.TerminateAsync(Grace);
            if (process.ExitCode != 0 && (hasStarted || process.ExitCode != Terminated))
            {
                Violations.Enqueue(new(Rule.Process, $"{target} was asked to stop and ended with code {process.ExitCode}\n{Tail(process.Log)}"));
            }

            NoteErrors(target);
        }
        catch (TimeoutException)
        {
            Violations.Enqueue(new(Rule.Process, $"{target} did not stop within {Grace.TotalSeconds} s\n{Tail(process.Log)}"));
            await process.KillAsync();
        }
    }

    /// <summary>Waits until every process serves.</summary>
    public async Task AllServeAsync()
    {
        foreach (var (name, node) in _nodes)
        {
            if (NoteEnd(name))
            {
                await node.LaunchAsync();
            }
        }

        await Task.WhenAll(_nodes.Keys.Select(ServesAsync));
    }

    /// <summary>Collects what the running processes say went wrong.</summary>
    public void NoteErrors()
    {
        foreach (var name in _nodes.Keys)
        {
            NoteErrors(name);
        }
    }

    /// <inheritdoc cref="FaultRig.LeftBehindAsync"/>
    public Task<IReadOnlyList<string>> LeftBehindAsync() => _rig.LeftBehindAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var door in _doors)
        {
            await door.Proxy.DisposeAsync();
        }

        await _rig.DisposeAsync();
        Clock?.Dispose();
    }

    private async Task ServesAsync(string target)
    {
        try
        {
            await NodeOf(target).Process.WaitUntilHealthyAsync();
        }
        catch (InvalidOperationException e)
        {
            Violations.Enqueue(new(Rule.Process, $"{target} does not serve although all faults are healed: {e.Message}"));
        }
    }

    /// <summary>Whether it has ended, which only a fault may cause.</summary>
    private bool NoteEnd(string target)
    {
        var process = NodeOf(target).Process;
        if (process.HasEnded)
        {
            Violations.Enqueue(new(Rule.Process, $"{target} ended by itself with code {process.ExitCode}\n{Tail(process.Log)}"));
        }

        return process.HasEnded;
    }

    private void NoteErrors(string target)
    {
        var lines = NodeOf(target).Process.Log.Split('\n');
        foreach (var line in lines.Where(line => Array.Exists(Unforeseen, mark => line.Contains(mark, StringComparison.Ordinal))))
        {
            Errors.Enqueue($"{target}: {line}");
        }

        foreach (var failed in lines.Select(line => FailedTurn().Match(line)).Where(match => match.Success))
        {
            Reasons[Guid.Parse(failed.Groups["turn"].Value)] = failed.Value;
        }
    }

    /// <summary>A gateway's line about a turn that it fails, with the number of the event.</summary>
    [GeneratedRegex(@"\[[0-9]+\] Turn (?<turn>[0-9a-f-]{36}) is failed: .*")]
    private static partial Regex FailedTurn();

    private static string Tail(string log) => string.Join('\n', log.Split('\n').TakeLast(30));

    private sealed record Door(TcpProxy Proxy) : IServer
    {
        public int Port => Proxy.Port;
    }
}
