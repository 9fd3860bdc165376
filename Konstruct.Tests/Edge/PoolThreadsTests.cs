using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Edge;

/// <summary>A bad moment is over when it is over.</summary>
[Collection(typeof(UsualOnRedis))]
public sealed class PoolThreadsTests(UsualPipelineOnRedis fixture) : PipelineTests(fixture)
{
    /// <summary>Longer than the pool waits for its queue to move.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(0.7);

    /// <summary>A machine that is so busy that every few seconds brings such a moment has none for long.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Threads_that_the_pool_got_while_the_machine_stood_still_go_though_the_traffic_stays()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Counts threads by what Linux tells of them.");
        var gateway = await Pipeline.StartGatewayAsync(new Dictionary<string, string>
        {
            ["DOTNET_PROCESSOR_COUNT"] = "1",
            ["DOTNET_ThreadPool_ThreadTimeoutMs"] = "2000", // Until one that has nothing to do ends: 20 s otherwise.
        });
        await using var chat = await RawChat.ConnectAsync(gateway, $"{Guid.NewGuid()}", RawChatV2.Subprotocol);
        await chat.SendAsync(Person.New().Auth);
        await chat.SayAsync("/stream tokens=50000 rate=200 delay=0");
        var chunk = (await chat.ReadToAsync("chunk"))[^1];
        var rest = chat.ReadToAsync("done");
        await Until.TrueAsync(async () =>
        {
            gateway.Stall();
            await Task.Delay(Pause, TestContext.Current.CancellationToken);
            gateway.Resume();
            return gateway.PoolThreads > 1;
        });

        await Until.TrueAsync(() => Task.FromResult(gateway.PoolThreads == 1), Quiet);
        Assert.False(rest.IsCompleted, "The answer was to go on all the time.");
        await chat.CancelTurnAsync(chunk.TurnId!.Value);
        await rest;
    }
}
