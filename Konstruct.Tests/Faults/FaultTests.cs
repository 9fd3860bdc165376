using System.Globalization;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Faults;

/// <summary>The rig of one kind of server; a run that was not clean costs it its life, so that the next begins with a whole one.</summary>
public abstract class FaultRigs : IAsyncDisposable
{
    private FaultRig? _rig;

    private protected abstract RedisKind Redis { get; }

    /// <summary>The project of the workers, or their script.</summary>
    private protected virtual string Worker => "Konstruct.OrchestratorStub";

    /// <summary>The file in TestResults that gets the table of the runs.</summary>
    private protected virtual string Table => "faults.md";

    /// <summary>Environment of every gateway and worker, beside the rig's own.</summary>
    private protected virtual Dictionary<string, string>? Settings => null;

    public async ValueTask DisposeAsync()
    {
        if (_rig is not null)
        {
            await _rig.DisposeAsync();
        }

        _rig = null;
        GC.SuppressFinalize(this);
    }

    internal async Task<FaultRig> TakeAsync() => _rig ??= await FaultRig.StartAsync(Redis, new([Worker, Worker], OfAll: Settings));

    /// <summary>Adds a run to the table of this kind of worker.</summary>
    /// <param name="fault">Its name.</param>
    /// <param name="place">Of its row in the table.</param>
    /// <param name="result">What the run came to.</param>
    internal void Report(string fault, int place, FaultResult result) => FaultReport.Add(Table, (place, fault), result);

    internal async Task GiveBackAsync(bool isClean)
    {
        if (isClean)
        {
            await _rig!.MendAsync();
        }
        else
        {
            await DisposeAsync();
        }
    }
}

public sealed class FaultRigs<TRedis> : FaultRigs
    where TRedis : IRedisKind
{
    private protected override RedisKind Redis => TRedis.Kind;
}

/// <summary>
/// Each fault whose name holds <c>KONSTRUCT_FAULTS_ONLY</c> (or one of its parts between bars), as often as <c>KONSTRUCT_FAULT_RUNS</c> says (2 without it), half of the runs on Garnet and half on redis-server. After each: every answer
/// is the source's text, every chunk came once and in order, each message has one row and one end, and nothing is left in the stores.
/// </summary>
public abstract class FaultTests(FaultRigs rigs)
{
    private static readonly string[] Only = (Environment.GetEnvironmentVariable("KONSTRUCT_FAULTS_ONLY") ?? "").Split('|');

    private static readonly int RunsOfEach = int.Parse(
        Environment.GetEnvironmentVariable("KONSTRUCT_FAULT_RUNS") ?? "2",
        CultureInfo.InvariantCulture
    );

    /// <summary>What is played.</summary>
    private protected virtual IEnumerable<Fault> Faults => Fault.All;

    private protected static TheoryData<string, int> RunsOn(RedisKind kind, IEnumerable<Fault> faults)
    {
        var runs = new TheoryData<string, int>();
        foreach (var fault in faults.Where(fault => Only.Any(text => fault.Name.Contains(text, StringComparison.OrdinalIgnoreCase))))
        {
            for (var run = 1; run <= RunsOfEach; run++)
            {
                if ((fault.Only ?? (run % 2 == 1 ? RedisKind.Garnet : RedisKind.Redis)) == kind)
                {
                    runs.Add(fault.Name, run);
                }
            }
        }

        return runs;
    }

    private protected virtual async Task PlayAsync(string name, int number)
    {
        var (place, fault) = Faults.Index().Single(each => each.Item.Name == name);
        var rig = await rigs.TakeAsync();
        FaultResult? result = null;
        string log;
        try
        {
            await using var run = new FaultRun(rig);
            await fault.PlayAsync(run);
            result = await run.ReckonAsync();
            rigs.Report(name, place, result);
        }
        finally
        {
            log = rig.Log;
            await rigs.GiveBackAsync(result is { IsClean: true });
        }

        Assert.True(result.IsClean, $"Run {number}: {string.Join('\n', result.Reports.Take(20))}\n{log}");
    }
}

[Collection<Sharing<FaultRigs<OnGarnet>>>]
[Trait("Tier", "Long")]
public sealed class FaultsOnGarnet(FaultRigs<OnGarnet> rigs) : FaultTests(rigs)
{
    public static TheoryData<string, int> Runs => RunsOn(RedisKind.Garnet, Fault.All);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Runs))]
    public Task A_fault_loses_nothing_and_repeats_nothing(string fault, int run) => PlayAsync(fault, run);
}

[Collection<Sharing<FaultRigs<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class FaultsOnRedis(FaultRigs<OnRedis> rigs) : FaultTests(rigs)
{
    public static TheoryData<string, int> Runs => RunsOn(RedisKind.Redis, Fault.All);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Runs))]
    public Task A_fault_loses_nothing_and_repeats_nothing(string fault, int run) => PlayAsync(fault, run);
}
