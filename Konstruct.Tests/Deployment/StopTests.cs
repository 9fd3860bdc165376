using System.Diagnostics;
using System.Net.WebSockets;
using Konstruct.Contracts.Redis;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Deployment;

/// <summary>
/// Platforms kill what has not ended 30 s after SIGTERM (Kubernetes, Azure Container Apps). With the settings of a deployment, and with the worst that clients
/// and models can do, gateway and orchestrator end by themselves before.
/// </summary>
[Trait("Tier", "Long")]
public sealed class StopTests(DatabaseFactory databases)
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    /// <summary>Development's settings hurry; these are the defaults.</summary>
    private static readonly Dictionary<string, string> Deployed = new()
    {
        ["Chat__CreateMissingConversations"] = "true",
        ["Chat__DrainLimit"] = "00:00:20",
        ["Dispatch__DrainLimit"] = "00:00:20",
    };

    [Fact]
    public async Task Both_end_within_the_platforms_grace_whatever_is_under_way()
    {
        await using var pipeline = await Pipeline.StartAsync(databases, RedisKind.Garnet, settings: Deployed);
        // A client that does not answer the close, and a model that says nothing for as long as it is let.
        await using var deaf = (await RawChat.OpenV2Async(pipeline.Gateway, Person.New(), Guid.NewGuid())).Chat;
        await deaf.SayAsync("/silent", "m");
        await deaf.ReadToAsync("typing");

        var stopped = await Task.WhenAll(StopAsync(pipeline.Gateway), StopAsync(pipeline.Worker));

        Assert.All(
            stopped,
            service =>
            {
                Assert.True(service.Took < Grace, $"It took {service.Took}.");
                Assert.Equal(0, service.ExitCode);
            }
        );
        // The turn was given back: nobody has to wait for its lease to run out, and it still wants an answer.
        Assert.Equal(0, await pipeline.Redis.Database.SortedSetLengthAsync(RedisKeys.Leases));
        Assert.Equal(1, await pipeline.Sql.RunningTurnCountAsync());
    }

    /// <summary>A platform takes its time to notice that a replica is going: until then it answers, and says that it is not ready.</summary>
    [Fact]
    public async Task A_gateway_that_stops_says_so_to_probes_and_to_clients()
    {
        await using var pipeline = await Pipeline.StartAsync(databases, RedisKind.Garnet, workers: 0, settings: Deployed);
        await using var open = (await RawChat.OpenV2Async(pipeline.Gateway, Person.New(), Guid.NewGuid())).Chat;

        var stopping = StopAsync(pipeline.Gateway);

        await Until.TrueAsync(async () => await pipeline.Gateway.StatusAsync("/health") is 503);
        Assert.Equal(200, await pipeline.Gateway.StatusAsync("/alive"));
        var refused = await Assert.ThrowsAsync<WebSocketException>(() => RawChat.ConnectAsync(pipeline.Gateway, $"{Guid.NewGuid()}"));
        Assert.Contains("503", refused.Message, StringComparison.Ordinal);
        await open.ExpectCloseAsync(1012, Grace);
        Assert.Equal(0, (await stopping).ExitCode);
    }

    private static async Task<(TimeSpan Took, int? ExitCode)> StopAsync(ServiceProcess service)
    {
        var clock = Stopwatch.StartNew();
        await service.TerminateAsync(Grace + TimeSpan.FromSeconds(15));
        return (clock.Elapsed, service.ExitCode);
    }
}
