using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.ProtocolV2;

/// <summary>A message and its answer: what the frames of version 2 hold, and that a message sent twice is one message.</summary>
public abstract class MessageTests(ReplicatedPipeline fixture) : ReplicatedTests(fixture)
{
    [Theory]
    [InlineData("/stream tokens=20 rate=200 delay=0")]
    [InlineData("/burst 300")]
    [InlineData("/unicode rate=0 delay=0")]
    [InlineData("/empty")]
    public async Task Frames_name_turn_attempt_and_seq_byte_for_byte(string text)
    {
        await using var chat = await OpenV2Async();
        await chat.SayAsync(text, "m-1");
        var typing = await chat.NextAsync("typing");
        Assert.Equal(Frames2.Typing(typing.TurnId!.Value, "m-1"), typing.Bytes);

        AssertAnswer(text, typing.TurnId.Value, await chat.ReadToAsync("done"));
        await AssertStoredAsync((text, Answers.Of(text), "completed"));
    }

    [Fact]
    public async Task Typing_comes_after_the_commit()
    {
        await using var chat = await OpenV2Async();
        await using (await Sql.LockMessagesAsync())
        {
            await chat.SayAsync("/burst 1", "m");
            await chat.SendAsync("not json");
            // The reader goes on, so the error overtakes the message that Postgres holds up.
            Assert.Equal("bad_frame", (await chat.NextAsync("error")).Code);
        }

        await chat.NextAsync("typing");
        Assert.Equal(2, await Sql.MessageCountAsync(Me.Tenant));
        await chat.ReadToAsync("done");
    }

    [Fact]
    public async Task A_message_without_an_id_is_acknowledged_without_one()
    {
        await using var chat = await OpenV2Async();
        await chat.SayAsync("/burst 1");
        var typing = await chat.NextAsync("typing");
        Assert.Equal(Frames2.Typing(typing.TurnId!.Value, null), typing.Bytes);
        await chat.ReadToAsync("done");
    }

    [Fact]
    public async Task A_model_that_fails_is_done_with_the_reason_failed_and_the_text_there_is()
    {
        await using var chat = await OpenV2Async();
        await chat.SayAsync("/fail 5 rate=0 delay=0", "m");
        var frames = await chat.ReadToAsync("done");
        var text = Answers.Of("/fail 5 rate=0 delay=0");
        Assert.Equal(Frames2.Done(text, Conversation, frames[0].TurnId!.Value, 1, "failed"), frames[^1].Bytes);
        Assert.Equal(5, frames.Count(frame => frame.Type == "chunk"));
        await AssertStoredAsync(("/fail 5 rate=0 delay=0", text, "failed"));
    }

    /// <summary>It was called completed when the whole of it was given to the writer before the first refusal came back.</summary>
    [Fact]
    public async Task An_answer_that_is_too_long_fails()
    {
        await using var chat = await OpenV2Async();
        await chat.SayAsync("/tiny 3000", "m");
        var frames = await chat.ReadToAsync("done", TimeSpan.FromSeconds(60));
        Assert.Equal("failed", frames[^1].Reason);
        Assert.Equal(string.Concat(frames.Where(frame => frame.Type == "chunk").Select(frame => frame.Text)), frames[^1].Text);
    }

    [Fact]
    public async Task A_message_sent_again_after_its_answer_is_the_same_turn_and_its_replay()
    {
        const string text = "/burst 30";
        await using var chat = await OpenV2Async();
        await chat.SayAsync(text, "same");
        var turn = (await chat.ReadToAsync("done"))[0].TurnId!.Value;

        foreach (var again in new[] { chat, await OpenV2ElsewhereAsync() })
        {
            await again.SayAsync(text, "same");
            Assert.Equal(Frames2.Typing(turn, "same"), (await again.AcknowledgementAsync()).Bytes);
            AssertAnswer(text, turn, await again.ReadToAsync("done"));
        }

        await AssertStoredAsync((text, Answers.Of(text), "completed"));
    }

    [Fact]
    public async Task A_message_sent_again_elsewhere_during_its_answer_is_the_same_turn_there()
    {
        const string text = "/stream tokens=60 rate=40 delay=0";
        await using var chat = await OpenV2Async();
        await chat.SayAsync(text, "same");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await chat.NextAsync("chunk");

        await using var other = await OpenV2ElsewhereAsync();
        await other.SayAsync(text, "same");
        Assert.Equal(Frames2.Typing(turn, "same"), (await other.AcknowledgementAsync()).Bytes);
        AssertAnswer(text, turn, await other.ReadToAsync("done"));
        AssertAnswer(text, turn, await chat.ReadToAsync("done"), from: 2);
        await AssertStoredAsync((text, Answers.Of(text), "completed"));
    }

    /// <summary>Whoever sends a message again asks for its replay, also when its turn has been heard to the end while the message waited.</summary>
    [Fact]
    public async Task A_message_whose_turn_was_heard_while_it_waited_in_line_is_replayed()
    {
        const string text = "/burst 5";
        await using var chat = await OpenV2Async();
        await using var other = await OpenV2ElsewhereAsync();
        await other.SayAsync("/silent", "first");
        var first = (await other.NextAsync("typing")).TurnId!.Value;
        await other.SayAsync(text, "same");
        await chat.SayAsync(text, "same");
        var heard = await other.ReadToAsync("done");
        var turn = heard[0].TurnId!.Value;
        AssertAnswer(text, turn, heard[1..]);

        await other.CancelTurnAsync(first);
        Assert.Equal(first, (await other.NextAsync("done")).TurnId);
        Assert.Equal(Frames2.Typing(turn, "same"), (await other.AcknowledgementAsync()).Bytes);
        AssertAnswer(text, turn, await other.ReadToAsync("done"));
        await AssertStoredAsync(("/silent", "", "cancelled"), (text, Answers.Of(text), "completed"));
    }

    [Fact]
    public async Task A_message_sent_to_two_replicas_at_once_is_one_turn()
    {
        const string text = "/stream tokens=10 rate=100 delay=50";
        for (var i = 0; i < 10; i++)
        {
            var conversation = Guid.NewGuid();
            var (left, _) = await RawChat.OpenV2Async(Gateway, Me, conversation);
            var (right, _) = await RawChat.OpenV2Async(OtherGateway, Me, conversation);
            await Task.WhenAll(left.SayAsync(text, "same"), right.SayAsync(text, "same"));
            var frames = (await Task.WhenAll(left.ReadToAsync("done"), right.ReadToAsync("done"))).SelectMany(f => f).ToArray();

            Assert.Single(frames.Select(frame => frame.TurnId).Distinct());
            Assert.All(frames.Where(frame => frame.Type == "done"), done => Assert.Equal(Answers.Of(text), done.Text));
            Assert.Equal(["user", "assistant"], (await Sql.MessagesAsync(conversation)).Select(m => m.Role));
            await left.DisposeAsync();
            await right.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_same_id_in_another_conversation_is_another_message()
    {
        await using var here = await OpenV2Async();
        await using var there = (await RawChat.OpenV2Async(Gateway, Me, Guid.NewGuid())).Chat;
        await here.SayAsync("/burst 1", "same");
        await there.SayAsync("/burst 1", "same");
        Assert.NotEqual((await here.ReadToAsync("done"))[0].TurnId, (await there.ReadToAsync("done"))[0].TurnId);
    }

    [Fact]
    public async Task More_turns_at_once_than_a_conversation_may_have_are_refused_and_may_be_sent_again()
    {
        var tabs = new List<RawChat>();
        for (var i = 0; i < 4; i++)
        {
            tabs.Add(await OpenV2Async());
            await tabs[i].SayAsync("/stream tokens=1000 rate=1 delay=0", $"m-{i}");
            await tabs[i].ReadToAsync("chunk");
        }

        await using var fifth = await OpenV2ElsewhereAsync();
        await fifth.SayAsync("/burst 1", "fifth");
        var refused = (await fifth.ReadToAsync("error"))[^1];
        Assert.Equal(("too_many_turns", "fifth", true), (refused.Code, refused.MessageId, refused.Json.GetProperty("retryable").GetBoolean()));
        await fifth.CancelMessageAsync("m-0");
        await tabs[0].ReadToAsync("done");
        await fifth.SayAsync("/burst 1", "fifth");
        var accepted = (await fifth.ReadToAsync("typing"))[^1];
        Assert.Equal("fifth", accepted.MessageId);
        foreach (var (tab, i) in tabs.Select((tab, i) => (tab, i)))
        {
            await tab.CancelMessageAsync($"m-{i}");
            await tab.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("""{"type":"message","text":"","messageId":"m"}""", "empty_text", false, "m")]
    [InlineData(
        """{"type":"message","text":"hello","conversationId":"6dc9de0d-76fa-4a0a-a8bb-6e7d3a3e0a68","messageId":"m"}""",
        "conversation_mismatch",
        false,
        "m"
    )]
    [InlineData("""{"type":"message","text":"hello","conversationId":"no id","messageId":"m"}""", "invalid_conversation_id", false, "m")]
    [InlineData("""{"type":"message","text":"hello","messageId":""}""", "invalid_message_id", false, "")]
    [InlineData("""{"type":"message","text":"hello","messageId":7}""", "bad_frame", false, null)]
    [InlineData("""{"type":"resume","turnId":"6dc9de0d-76fa-4a0a-a8bb-6e7d3a3e0a68"}""", "turn_not_found", false, null)]
    [InlineData("""{"type":"resume"}""", "turn_not_found", false, null)]
    [InlineData("""{"type":"resume","turnId":"6dc9de0d-76fa-4a0a-a8bb-6e7d3a3e0a68","after":-1}""", "bad_frame", false, null)]
    [InlineData("""{"type":"cancel","turnId":"6dc9de0d-76fa-4a0a-a8bb-6e7d3a3e0a68"}""", "turn_not_found", false, null)]
    [InlineData("""{"type":"cancel"}""", "invalid_message_id", false, null)]
    [InlineData("[]", "bad_frame", false, null)]
    [InlineData("""{"type":"message","messageId":"m","text":7}""", "bad_frame", false, "m")]
    [InlineData("""{"type":"message","text":["x"],"messageId":"m"}""", "bad_frame", false, "m")]
    [InlineData("""{"messageId":"m","type":"message","text":"cut o""", "bad_frame", false, "m")]
    [InlineData("""{"type":"message","text":"x","messageId":"m"} trailing""", "bad_frame", false, "m")]
    [InlineData("""{"type":7,"text":"x","messageId":"m"}""", "bad_frame", false, "m")]
    [InlineData("""{"type":"cancel","messageId":""}""", "invalid_message_id", false, "")]
    public async Task What_is_refused_has_a_code_and_the_socket_stays(string frame, string code, bool retryable, string? messageId)
    {
        await using var chat = await OpenV2Async();
        await chat.SendAsync(frame);
        var error = await chat.NextAsync("error");
        Assert.Equal((code, retryable, messageId), (error.Code, error.Json.GetProperty("retryable").GetBoolean(), error.MessageId));
        Assert.NotEmpty(error.Json.GetProperty("message").GetString()!);
        Assert.Equal(0, await Sql.MessageCountAsync(Me.Tenant));

        await chat.SayAsync("/burst 1", "after");
        await chat.ReadToAsync("done");
    }

    [Fact]
    public async Task An_id_that_is_none_closes_4003()
    {
        await using var chat = await RawChat.ConnectAsync(Gateway, "no-id", RawChatV2.Subprotocol);
        await chat.SendAsync(Me.Auth);
        Assert.Equal("invalid_conversation_id", (await chat.NextAsync("error")).Code);
        await chat.ExpectCloseAsync(4003);
    }

    /// <summary>Where unknown conversations are created the first message tells whose it is: until then a stranger cannot be told from its first visitor.</summary>
    [Fact]
    public async Task A_stranger_hears_nothing_of_a_conversation_and_may_not_write_into_it()
    {
        await using var chat = await OpenV2Async();
        await using var early = (await RawChat.OpenV2Async(Gateway, Me with { User = Guid.NewGuid() }, Conversation)).Chat;
        await chat.SayAsync("/burst 1", "m");
        var turn = (await chat.ReadToAsync("done"))[0].TurnId!.Value;
        await using var late = (await RawChat.OpenV2Async(Gateway, Me with { User = Guid.NewGuid() }, Conversation)).Chat;
        foreach (var stranger in new[] { early, late })
        {
            await stranger.ResumeAsync(turn, 1, 0);
            Assert.Equal("turn_not_found", (await stranger.NextAsync("error")).Code);
            await stranger.CancelTurnAsync(turn);
            Assert.Equal("turn_not_found", (await stranger.NextAsync("error")).Code);
            await stranger.SayAsync("/burst 1", "mine");
            Assert.Equal("conversation_not_found", (await stranger.NextAsync("error")).Code);
        }

        await AssertStoredAsync(("/burst 1", Answers.Of("/burst 1"), "completed"));
    }

    [Fact]
    public async Task A_v1_socket_beside_v2_ones_sees_its_own_turns_in_v1_frames_and_they_see_all()
    {
        await using var old = await OpenAsync(Me, Conversation);
        await using var here = await OpenV2Async();
        await using var there = await OpenV2ElsewhereAsync();
        var turns = new HashSet<Guid>();
        foreach (
            var (text, isOfV2) in new[]
            {
                ("/burst 3 of the old one", false),
                ("/burst 5 of the new one", true),
                ("/stream tokens=7 rate=100 delay=0", false),
            }
        )
        {
            if (isOfV2)
            {
                await here.SayAsync(text, "new");
            }
            else
            {
                await old.SayAsync(text);
                Assert.Equal(Answers.Of(text), (await old.ReceiveTurnAsync()).AssertWhole(Conversation).Answer);
            }

            foreach (var tab in new[] { here, there })
            {
                var frames = await tab.ReadToAsync("done");
                Assert.Equal("typing", frames[0].Type);
                turns.Add(frames[0].TurnId!.Value);
                AssertAnswer(text, frames[0].TurnId!.Value, frames[1..]);
            }
        }

        Assert.Equal(3, turns.Count);
    }
}

[Collection<Sharing<ReplicatedPipeline<OnGarnet>>>]
public sealed class MessagesOnGarnet(ReplicatedPipeline<OnGarnet> fixture) : MessageTests(fixture);

[Collection<Sharing<ReplicatedPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class MessagesOnRedis(ReplicatedPipeline<OnRedis> fixture) : MessageTests(fixture);

[Collection<Sharing<ReplicatedPipeline<OnCluster>>>]
[Trait("Tier", "Long")]
public sealed class MessagesOnCluster(ReplicatedPipeline<OnCluster> fixture) : MessageTests(fixture);

[Collection<Sharing<ReplicatedPipelineBehindBalancer>>]
[Trait("Tier", "Long")]
public sealed class MessagesBehindBalancer(ReplicatedPipelineBehindBalancer fixture) : MessageTests(fixture);
