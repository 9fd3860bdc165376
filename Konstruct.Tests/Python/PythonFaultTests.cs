using Konstruct.Tests.Faults;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Python;

/// <summary>Every fault that concerns a worker, with workers in Python: the same runs and the same reckoning as for the C# worker.</summary>
public abstract class PythonFaultTests(FaultRigs rigs) : FaultTests(rigs)
{
    private protected static TheoryData<string, int> WorkersRunsOn(RedisKind kind) =>
        RunsOn(kind, Fault.All.Where(fault => ConcernsWorkers(fault.Name)));

    private static bool ConcernsWorkers(string fault) =>
        (fault.Contains("worker", StringComparison.Ordinal) && !fault.StartsWith("40 clients", StringComparison.Ordinal))
        || fault.StartsWith("Redis ", StringComparison.Ordinal)
        || fault is "FLUSHALL mid-stream" or "the log lost under its readers" or "cancel racing done";
}

[Collection<Sharing<PythonFaultRigs<OnGarnet>>>]
[Trait("Tier", "Long")]
public sealed class PythonFaultsOnGarnet(PythonFaultRigs<OnGarnet> rigs) : PythonFaultTests(rigs)
{
    public static TheoryData<string, int> Runs => WorkersRunsOn(RedisKind.Garnet);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Runs))]
    public Task A_fault_loses_nothing_and_repeats_nothing(string fault, int run) => PlayAsync(fault, run);
}

[Collection<Sharing<PythonFaultRigs<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class PythonFaultsOnRedis(PythonFaultRigs<OnRedis> rigs) : PythonFaultTests(rigs)
{
    public static TheoryData<string, int> Runs => WorkersRunsOn(RedisKind.Redis);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Runs))]
    public Task A_fault_loses_nothing_and_repeats_nothing(string fault, int run) => PlayAsync(fault, run);
}
