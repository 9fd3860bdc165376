using Konstruct.Tests.Faults;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Celery;

/// <summary>Two gateways with <c>Dispatch:Queue=celery</c>, and two Celery workers that answer as the stub does.</summary>
public sealed class CeleryFaultRigs<TRedis> : FaultRigs
    where TRedis : IRedisKind
{
    private protected override RedisKind Redis => TRedis.Kind;

    private protected override string Worker => "Konstruct.Tests/Celery/stub_worker.py";

    private protected override string Table => "faults-celery.md";

    private protected override Dictionary<string, string> Settings =>
        new() { ["Dispatch__Queue"] = "celery", ["Dispatch__Celery__ListeningLease"] = $"{FaultRig.Lease}" };
}

/// <summary>Every fault that a Celery queue can survive: the same clients and the same reckoning as with the native queue.</summary>
public abstract class CeleryQueueFaultTests(FaultRigs rigs) : FaultTests(rigs)
{
    private protected override IEnumerable<Fault> Faults => CeleryFault.All;

    private protected override async Task PlayAsync(string name, int number)
    {
        Requirement.Celery.Require();
        await base.PlayAsync(name, number);
    }
}

[Collection<Sharing<CeleryFaultRigs<OnGarnet>>>]
[Trait("Tier", "Long")]
public sealed class CeleryQueueFaultsOnGarnet(CeleryFaultRigs<OnGarnet> rigs) : CeleryQueueFaultTests(rigs)
{
    public static TheoryData<string, int> Runs => RunsOn(RedisKind.Garnet, CeleryFault.All);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Runs))]
    public Task A_fault_loses_nothing_and_repeats_nothing(string fault, int run) => PlayAsync(fault, run);
}

[Collection<Sharing<CeleryFaultRigs<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class CeleryQueueFaultsOnRedis(CeleryFaultRigs<OnRedis> rigs) : CeleryQueueFaultTests(rigs)
{
    public static TheoryData<string, int> Runs => RunsOn(RedisKind.Redis, CeleryFault.All);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Runs))]
    public Task A_fault_loses_nothing_and_repeats_nothing(string fault, int run) => PlayAsync(fault, run);
}
