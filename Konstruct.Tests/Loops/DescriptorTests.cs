using System.Diagnostics;
using System.Net.WebSockets;
using Konstruct.Tests.Harness;
using Konstruct.Tests.LocalServers;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Loops;

/// <summary>A gateway with more clients than files that it may open: with 100 to spare and 200 sockets it ended in half of the runs.</summary>
[Collection<FaultyOnGarnet>]
[Trait("Tier", "Long")]
public sealed class DescriptorTests(FaultyPipelineOnGarnet fixture) : PipelineTests(fixture)
{
    private const int Spare = 100, Sockets = 200;

    [Fact]
    public async Task More_sockets_than_descriptors_are_refused_and_the_gateway_lives()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Executables.Find("prlimit") is not null, "This test needs prlimit (Debian: util-linux).");
        var open = Descriptors(Gateway);
        var gateway = await Pipeline.StartGatewayAsync(prefix: ["prlimit", $"--nofile={open + Spare}:{open + Spare}"]);
        var chats = new List<RawChat>();
        var refused = 0;
        for (var i = 0; i < Sockets; i++)
        {
            try
            {
                var chat = await RawChat.OpenAsync(gateway, Person.New(), Guid.NewGuid());
                chats.Add(chat);
            }
            catch (Exception exception) when (exception is WebSocketException or HttpRequestException or IOException)
            {
                refused++;
            }

            Assert.False(gateway.HasEnded, gateway.Log);
        }

        Assert.InRange(refused, 1, Sockets - 1);
        Assert.Contains("ulimit -n", gateway.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("Too many open files", gateway.Log, StringComparison.Ordinal);

        // Those that came in time are served, and when they have gone others are.
        var conversation = Guid.NewGuid();
        await AskAsync(chats[0]);
        foreach (var chat in chats)
            await chat.DisposeAsync();
        await Until.TrueAsync(async () => await gateway.StatusAsync("/health") == 200);
        await using var later = await RawChat.OpenAsync(gateway, Person.New(), conversation);
        await later.SayAsync("/burst 1");
        (await later.ReceiveTurnAsync()).AssertWhole(conversation);
        await gateway.TerminateAsync();
    }

    private static async Task AskAsync(RawChat chat)
    {
        await chat.SayAsync("/burst 1");
        Assert.StartsWith("""{"type":"done",""", (await chat.ReceiveTurnAsync()).Frames[^1], StringComparison.Ordinal);
    }

    private static int Descriptors(ServiceProcess gateway) => Directory.GetFileSystemEntries($"/proc/{gateway.Id}/fd").Length;
}
