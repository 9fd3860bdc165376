using System.Diagnostics;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.ProtocolV1;

/// <summary>
/// The deadlines, in seconds where the defaults are minutes: what counts as a sign of life, what does not, and what is left afterwards.
/// </summary>
public abstract class DeadlineTests(ImpatientPipeline fixture) : PipelineTests(fixture)
{
    private readonly Person _person = Person.New();
    private readonly Guid _conversation = Guid.NewGuid();

    [Fact]
    [OriginalFlaw("no first frame at all: open for ever")]
    public async Task A_socket_that_sends_no_first_frame_is_closed_with_4001()
    {
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{_conversation}");
        if (await chat.ReceiveAsync() is { } frame)
        {
            Assert.StartsWith("""{"type":"error","message":""", frame, StringComparison.Ordinal);
            await chat.ExpectCloseAsync(4001);
        }

        Assert.Equal(4001, chat.CloseCode);
    }

    [Fact]
    public async Task Half_a_first_frame_does_not_buy_time()
    {
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{_conversation}");
        await chat.SendBytesAsync("{\"type\":"u8.ToArray(), endOfMessage: false);
        if (await chat.ReceiveAsync() is not null)
        {
            Assert.Null(await chat.ReceiveAsync());
        }

        Assert.Equal(4001, chat.CloseCode);
    }

    [Fact]
    public async Task An_authenticated_socket_may_be_silent_for_longer_than_the_auth_deadline()
    {
        await using var chat = await OpenAsync(_person, _conversation);
        // The deadline of a socket that was opened later has passed once that one is closed.
        await using (var idle = await RawChat.ConnectAsync(Gateway, $"{_conversation}"))
        {
            while (await idle.ReceiveAsync() is not null) { }
        }

        await chat.SayAsync("/burst 1");
        (await chat.ReceiveTurnAsync()).AssertWhole(_conversation);
    }

    [Theory]
    [InlineData("/silent")]
    [InlineData("/stream tokens=3 rate=0 delay=60000")]
    public async Task Silence_ends_the_turn_whatever_the_workers_heartbeat(string text)
    {
        await using var chat = await OpenAsync(_person, _conversation);
        await chat.SayAsync(text);
        await chat.ExpectAsync(Frames.Typing);
        var silence = Stopwatch.StartNew();
        await chat.ExpectAsync(Frames.NoAnswer);
        AssertNear(ImpatientPipeline.SilenceLimit, silence.Elapsed);

        await AssertFailedAsync(chat);
    }

    [Fact]
    public async Task Silence_in_the_middle_of_an_answer_ends_the_turn_too()
    {
        await using var chat = await OpenAsync(_person, _conversation);
        await chat.SayAsync("/stream tokens=5 rate=0.1 delay=0");
        await chat.ExpectAsync(Frames.Typing);
        Assert.StartsWith("""{"type":"chunk",""", await chat.ReceiveAsync(), StringComparison.Ordinal);
        var silence = Stopwatch.StartNew();
        await chat.ExpectAsync(Frames.NoAnswer);
        AssertNear(ImpatientPipeline.SilenceLimit, silence.Elapsed);

        await AssertFailedAsync(chat);
    }

    [Fact]
    public async Task Time_in_the_queue_is_no_sign_of_life()
    {
        Pipeline.Worker.Stall();
        try
        {
            await using var chat = await OpenAsync(_person, _conversation);
            await chat.SayAsync("/burst 1");
            await chat.ExpectAsync(Frames.Typing);
            await chat.ExpectAsync(Frames.NoAnswer);
            Assert.Equal("failed", (await AnsweredAsync(_conversation))[1].Status);
        }
        finally
        {
            Pipeline.Worker.Resume();
        }

        // The worker comes back and finds the task; the turn has ended, and stays as it ended.
        await using var next = await OpenAsync(_person, _conversation);
        await next.SayAsync("/burst 1 next");
        (await next.ReceiveTurnAsync()).AssertWhole(_conversation);
        Assert.Equal(["failed", "completed"], (await Sql.MessagesAsync(_conversation)).Where(m => m.Role == "assistant").Select(m => m.Status));
    }

    [Fact]
    [OriginalFlaw("stream longer than the limit: cut off while flowing, text not saved")]
    public async Task An_answer_that_flows_may_last_longer_than_the_silence_limit()
    {
        await using var chat = await OpenAsync(_person, _conversation);
        await chat.SayAsync("/stream tokens=30 rate=10");
        await chat.ExpectAsync(Frames.Typing);
        var flowing = Stopwatch.StartNew();
        var frames = new List<string> { Frames.Typing };
        while (!Turn.Ends(frames[^1]))
        {
            frames.Add((await chat.ReceiveAsync())!);
        }

        new Turn(frames).AssertWhole(_conversation);
        Assert.True(flowing.Elapsed > ImpatientPipeline.SilenceLimit);
    }

    [Fact]
    [OriginalFlaw("stream longer than the limit: cut off while flowing, text not saved")]
    public async Task A_turn_that_never_ends_is_ended_and_what_there_is_of_it_is_saved()
    {
        await using var chat = await OpenAsync(_person, _conversation);
        await chat.SayAsync("/stream tokens=100000 rate=10");
        await chat.ExpectAsync(Frames.Typing);
        var flowing = Stopwatch.StartNew();
        var text = "";
        while (true)
        {
            var frame = (await chat.ReceiveAsync())!;
            if (Turn.Ends(frame))
            {
                Assert.Equal(Frames.NoAnswer, frame);
                break;
            }

            text += Assert.Single(new Turn([frame]).Chunks);
        }

        AssertNear(ImpatientPipeline.TurnLimit, flowing.Elapsed);
        var messages = await AssertFailedAsync(chat);
        Assert.StartsWith(text, messages[1].Content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fifth_turn_of_a_conversation_at_once_is_refused()
    {
        var chats = new List<RawChat>();
        for (var i = 1; i <= 4; i++)
        {
            var chat = await OpenAsync(_person, _conversation);
            chats.Add(chat);
            await chat.SayAsync("/stream tokens=20 rate=10");
            await chat.ExpectAsync(Frames.Typing);
            await Until.TrueAsync(async () => await Sql.MessageCountAsync(_person.Tenant) == 2 * i);
        }

        await using var fifth = await OpenAsync(_person, _conversation);
        await fifth.SayAsync("/burst 1 fifth");
        var refused = await fifth.ReceiveTurnAsync();
        Assert.StartsWith("""{"type":"error","message":""", refused.Frames[^1], StringComparison.Ordinal);
        Assert.Equal(8, await Sql.MessageCountAsync(_person.Tenant));

        foreach (var chat in chats)
        {
            await chat.ReceiveTurnAsync();
            await chat.DisposeAsync();
        }

        await fifth.SayAsync("/burst 1 fifth");
        (await fifth.ReceiveTurnAsync()).AssertWhole(_conversation);
    }

    /// <summary>Never early; late by what a loaded machine needs.</summary>
    private static void AssertNear(TimeSpan expected, TimeSpan actual) =>
        Assert.InRange(actual, expected - TimeSpan.FromMilliseconds(300), expected + TimeSpan.FromSeconds(8));

    /// <summary>The turn is failed in Postgres, and the socket serves the next message.</summary>
    private async Task<IReadOnlyList<StoredMessage>> AssertFailedAsync(RawChat chat)
    {
        var messages = await AnsweredAsync(_conversation);
        Assert.Equal([("user", ""), ("assistant", "failed")], messages.Select(m => (m.Role, m.Role == "user" ? "" : m.Status)));
        await chat.SayAsync("/burst 1 next");
        (await chat.ReceiveTurnAsync()).AssertWhole(_conversation);
        return messages;
    }
}

[Collection<Sharing<ImpatientPipeline<OnGarnet>>>]
public sealed class DeadlinesOnGarnet(ImpatientPipeline<OnGarnet> fixture) : DeadlineTests(fixture);

[Collection<Sharing<ImpatientPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class DeadlinesOnRedis(ImpatientPipeline<OnRedis> fixture) : DeadlineTests(fixture);
