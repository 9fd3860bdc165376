using System.Net.WebSockets;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Faults;

/// <summary>A gateway with more clients than files that it may open: with 100 to spare and 200 sockets it ended in half of the runs.</summary>
[Collection<Sharing<FaultyPipeline<OnGarnet>>>]
[Trait("Tier", "Long")]
public sealed class DescriptorTests(FaultyPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    private const int Spare = 100,
        Sockets = 200;

    [Fact]
    public async Task More_sockets_than_descriptors_are_refused_and_the_gateway_lives()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "This test needs prlimit, of util-linux.");
        var open = Descriptors(Gateway);
        var gateway = await Pipeline.StartGatewayAsync(prefix: ["prlimit", $"--nofile={open + Spare}:{open + Spare}"]);
        var chats = new List<RawChat>();
        var held = 0;
        for (var i = 0; i < Sockets; i++)
        {
            if (await TryOpenAsync(gateway) is { } chat)
            {
                chats.Add(chat.Chat);
                held += chat.IsTaken ? 1 : 0;
            }

            Assert.False(gateway.HasEnded, gateway.Log);
        }

        Assert.InRange(held, 10, Spare / 2);
        Assert.Contains("ulimit -n", gateway.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("Too many open files", gateway.Log, StringComparison.Ordinal);

        // Those that came in time are served, and when they have gone others are.
        var conversation = Guid.NewGuid();
        await chats[0].SayAsync("/burst 1", "m");
        Assert.Equal("completed", (await chats[0].ReadToAsync("done"))[^1].Reason);
        foreach (var chat in chats)
        {
            await chat.DisposeAsync();
        }

        await Until.TrueAsync(async () => await gateway.StatusAsync("/health") == 200);
        await using var later = await RawChat.OpenAsync(gateway, Person.New(), conversation);
        await later.SayAsync("/burst 1");
        (await later.ReceiveTurnAsync()).AssertWhole(conversation);
        await gateway.TerminateAsync();
    }

    /// <summary>Null: its connection was refused. Not taken: it was told that there are too many.</summary>
    private static async Task<(RawChat Chat, bool IsTaken)?> TryOpenAsync(ServiceProcess gateway)
    {
        try
        {
            var (person, chat) = (Person.New(), await RawChat.ConnectAsync(gateway, $"{Guid.NewGuid()}", RawChatV2.Subprotocol));
            await chat.SendAsync(person.Auth);
            var first = await chat.NextAsync();
            Assert.True(first is { Type: "ready" } or { Type: "error", Code: "too_many_sockets" }, first.Bytes);
            return (chat, first.Type == "ready");
        }
        catch (Exception exception) when (exception is WebSocketException or HttpRequestException or IOException)
        {
            return null;
        }
    }

    private static int Descriptors(ServiceProcess gateway) => Directory.GetFileSystemEntries($"/proc/{gateway.Id}/fd").Length;
}
