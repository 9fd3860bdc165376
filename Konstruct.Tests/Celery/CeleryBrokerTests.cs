using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Celery;

/// <summary>A broker of its own that goes away and comes back: an accepted message is sent once, or fails at its deadline.</summary>
[Collection<CeleryOnGarnet>]
[Trait("Tier", "Long")]
public sealed class CeleryBrokerTests(CeleryPipelineOnGarnet fixture) : CeleryTestBase(fixture)
{
    [Fact]
    public async Task A_message_that_is_accepted_while_the_broker_is_down_is_sent_when_it_is_back()
    {
        await using var broker = await RedisServer.StartAsync(RedisKind.Garnet);
        await using var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["ConnectionStrings__celery"] = $"{broker.ConnectionString},syncTimeout=1000,asyncTimeout=1000" }
        );
        await broker.KillServerAsync();
        await using var chat = await OpenV2Async(gateway);
        await chat.SayAsync("hello", "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await Until.TrueAsync(() =>
            Task.FromResult(gateway.Log.Contains($"Turn {turn} is stored but could not be dispatched", StringComparison.Ordinal))
        );
        await broker.StartServerAsync();
        await using var worker = await CeleryWorker.StartAsync(Pipeline.Redis, broker);
        Assert.Equal("hello ", (await chat.ReadToAsync("done"))[^1].Text);
        Assert.Single(await SeenAsync(turn));
    }

    /// <summary>The broker refuses to write: nothing was sent, and the gateway sends it when the broker takes it.</summary>
    [Fact]
    public async Task A_message_that_the_broker_refuses_is_sent_when_it_takes_it()
    {
        Requirement.Redis.Require();
        await using var broker = await RedisServer.StartAsync(RedisKind.Redis);
        await using var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["ConnectionStrings__celery"] = broker.ConnectionString }
        );
        await using var worker = await CeleryWorker.StartAsync(Pipeline.Redis, broker);
        await broker.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "1");
        await using var chat = await OpenV2Async(gateway);
        await chat.SayAsync("hello", "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await Until.TrueAsync(() =>
            Task.FromResult(gateway.Log.Contains($"Turn {turn} is stored but could not be dispatched", StringComparison.Ordinal))
        );
        await broker.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        Assert.Equal("hello ", (await chat.ReadToAsync("done"))[^1].Text);
        Assert.Single(await SeenAsync(turn));
    }
}
