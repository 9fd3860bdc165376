using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.ProtocolV2;

/// <summary>A browser cannot send WebSocket's pings. Without a frame of its own it noticed a connection that lost all bytes after minutes.</summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class HeartbeatTests(UsualPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    private readonly Person _person = Person.New();
    private readonly Guid _conversation = Guid.NewGuid();

    [Fact]
    public async Task Ready_names_the_interval_and_ping_is_answered_also_during_an_answer()
    {
        var (chat, ready) = await RawChat.OpenV2Async(Gateway, _person, _conversation);
        await using var open = chat;
        Assert.Equal(20_000, ready.Json.GetProperty("ping_ms").GetInt32());
        await chat.SendAsync("""{"type":"ping"}""");
        Assert.Equal("""{"type":"pong"}""", (await chat.NextAsync()).Bytes);

        await chat.SayAsync("/silent", "m");
        await chat.NextAsync("typing");
        await chat.SendAsync("""{"type":"ping"}""");
        Assert.Equal("""{"type":"pong"}""", (await chat.NextAsync()).Bytes);
        await chat.CancelMessageAsync("m");
        await chat.ReadToAsync("done");
    }

    /// <summary>An old client sees only the frames that it knows.</summary>
    [Fact]
    public async Task Version_1_ignores_ping_as_it_ignores_every_unknown_frame()
    {
        await using var chat = await OpenAsync(_person, _conversation);
        await chat.SendAsync("""{"type":"ping"}""");
        await chat.SayAsync("/burst 1");
        (await chat.ReceiveTurnAsync()).AssertWhole(_conversation);
    }
}
