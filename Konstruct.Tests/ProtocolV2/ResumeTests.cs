using Konstruct.Contracts.Redis;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.ProtocolV2;

/// <summary>Tabs that come, go and come back: what was streaming, replay from where they were, or an explicit reset; never silence.</summary>
public abstract class ResumeTests(ReplicatedPipeline fixture) : ReplicatedTests(fixture)
{
    private const string Streaming = "/stream tokens=60 rate=40 delay=0";

    [Fact]
    public async Task Ready_lists_what_is_streaming_and_is_empty_otherwise()
    {
        var (chat, ready) = await RawChat.OpenV2Async(Gateway, Me, Conversation);
        Assert.Equal($$"""{"type":"ready","conversation_id":"{{Conversation}}","active":[],"ping_ms":20000}""", ready.Bytes);
        var turn = await BeginAsync(chat);

        var (other, during) = await RawChat.OpenV2Async(OtherGateway, Me, Conversation);
        var active = Assert.Single(during.Active);
        Assert.Equal((turn, 1), (active.TurnId, active.Attempt));
        Assert.InRange(active.Seq, 1, 60);
        await chat.ReadToAsync("done");
        var (last, after) = await RawChat.OpenV2Async(Gateway, Me, Conversation);
        Assert.Empty(after.Active);
        foreach (var tab in new[] { chat, other, last })
        {
            await tab.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_turn_that_ready_lists_is_silent_until_it_is_resumed_and_later_ones_are_not()
    {
        await using var chat = await OpenV2Async();
        var turn = await BeginAsync(chat);
        await using var tab = await OpenV2ElsewhereAsync();
        await chat.ReadToAsync("done");
        await chat.SayAsync("/burst 3", "later");
        var frames = await tab.ReadToAsync("done");
        Assert.DoesNotContain(frames, frame => frame.TurnId == turn);
        AssertAnswer("/burst 3", frames[0].TurnId!.Value, frames[1..]);

        await tab.ResumeAsync(turn, 1, 0);
        AssertAnswer(Streaming, turn, await tab.ReadToAsync("done"));
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(false, 7)]
    [InlineData(true, 7)]
    public async Task A_live_turn_resumes_after_any_chunk_on_any_replica_and_goes_on(bool elsewhere, int after)
    {
        await using var chat = await OpenV2Async();
        var turn = await BeginAsync(chat, chunks: 7);
        await using var tab = elsewhere ? await OpenV2ElsewhereAsync() : await OpenV2Async();
        await tab.ResumeAsync(turn, 1, after);
        AssertAnswer(Streaming, turn, await tab.ReadToAsync("done"), from: after + 1);
    }

    [Fact]
    public async Task A_socket_that_resumes_its_own_turn_gets_nothing_twice_after_that()
    {
        await using var chat = await OpenV2Async();
        var turn = await BeginAsync(chat, chunks: 7);
        await chat.ResumeAsync(turn, 1, 3);
        var frames = await chat.ReadToAsync("done");
        // What was on the way when it asked comes first; from the first seq that was there before, it is the replay.
        var replay = frames.FindIndex(frame => frame.Seq == 4);
        AssertAnswer(Streaming, turn, frames[replay..], from: 4);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(25)]
    [InlineData(60)]
    public async Task An_ended_turn_resumes_as_what_is_missing_and_done(int after)
    {
        await using var chat = await OpenV2Async();
        var turn = await BeginAsync(chat);
        await chat.ReadToAsync("done");
        await using var tab = await OpenV2ElsewhereAsync();
        await tab.ResumeAsync(turn, 1, after);
        AssertAnswer(Streaming, turn, await tab.ReadToAsync("done"), from: after + 1);
    }

    [Theory]
    [InlineData(1, 1_000_000)]
    [InlineData(9, 7)]
    public async Task What_cannot_be_continued_is_reset_and_begins_at_1(int attempt, int after)
    {
        await using var chat = await OpenV2Async();
        var turn = await BeginAsync(chat);
        await using var tab = await OpenV2Async();
        foreach (var state in new[] { "live", "ended" })
        {
            await tab.ResumeAsync(turn, attempt, after);
            Assert.Equal(Frames2.Reset(turn, 1), (await tab.NextAsync("reset")).Bytes);
            AssertAnswer(Streaming, turn, await tab.ReadToAsync("done"));
            Assert.True(state is "live" or "ended");
        }
    }

    [Fact]
    public async Task A_turn_whose_log_has_expired_resumes_as_one_done()
    {
        await using var chat = await OpenV2Async();
        var turn = await BeginAsync(chat);
        await chat.ReadToAsync("done");
        await Pipeline.Redis.Database.KeyDeleteAsync([RedisKeys.Turn(Conversation, turn), RedisKeys.Log(Conversation, turn, 1)]);

        await using var tab = await OpenV2ElsewhereAsync();
        await tab.ResumeAsync(turn, 1, 20);
        Assert.Equal(Frames2.Done(Answers.Of(Streaming), Conversation, turn, 1, "completed"), (await tab.NextAsync()).Bytes);
    }

    /// <summary>Its log was lost under it: the attempt is void, the next one begins anew, and everybody is told.</summary>
    [Fact]
    public async Task A_log_that_is_lost_under_its_readers_is_a_reset_for_all_of_them()
    {
        await using var chat = await OpenV2Async();
        var turn = await BeginAsync(chat, chunks: 5);
        await Pipeline.Redis.Database.KeyDeleteAsync(RedisKeys.Log(Conversation, turn, 1));
        await using var tab = await OpenV2ElsewhereAsync();
        await tab.ResumeAsync(turn, 1, 3);

        foreach (var reader in new[] { chat, tab })
        {
            var frames = await reader.ReadToAsync("done", TimeSpan.FromSeconds(30));
            var reset = frames.FindLastIndex(frame => frame.Type == "reset" && frame.Attempt == 2);
            AssertAnswer(Streaming, turn, frames[(reset + 1)..], attempt: 2);
        }

        await AssertStoredAsync((Streaming, Answers.Of(Streaming), "completed"));
    }

    [Fact]
    public async Task A_turn_of_another_conversation_is_not_found()
    {
        await using var chat = await OpenV2Async();
        var turn = await BeginAsync(chat);
        await using var elsewhere = (await RawChat.OpenV2Async(Gateway, Me, Guid.NewGuid())).Chat;
        await elsewhere.ResumeAsync(turn, 1, 0);
        var error = await elsewhere.NextAsync("error");
        Assert.Equal(("turn_not_found", turn), (error.Code, error.TurnId));
        await chat.ReadToAsync("done");
    }

    [Fact]
    public async Task A_tab_that_was_there_before_the_conversation_gets_its_first_turn()
    {
        await using var early = await OpenV2ElsewhereAsync();
        await using var chat = await OpenV2Async();
        await chat.SayAsync("/stream tokens=20 rate=100 delay=0", "m");
        await chat.ReadToAsync("done");
        var frames = await early.ReadToAsync("done");
        Assert.Equal(Frames2.Typing(frames[0].TurnId!.Value, "m"), frames[0].Bytes);
        AssertAnswer("/stream tokens=20 rate=100 delay=0", frames[0].TurnId!.Value, frames[1..]);
    }

    [Fact]
    public async Task A_client_that_leaves_and_resumes_after_every_third_chunk_has_every_chunk_once()
    {
        const string text = "/stream tokens=60 rate=30 delay=0";
        var chat = await OpenV2Async();
        await chat.SayAsync(text, "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        var received = new List<FrameV2>();
        for (var visit = 1; received.Count == 0 || received[^1].Type != "done"; visit++)
        {
            for (var i = 0; i < 3 && (received.Count == 0 || received[^1].Type != "done"); i++)
            {
                received.Add(await chat.NextAsync());
            }

            chat.Abort();
            await chat.DisposeAsync();
            chat = visit % 2 == 0 ? await OpenV2Async() : await OpenV2ElsewhereAsync();
            await chat.ResumeAsync(turn, 1, received.Count(frame => frame.Type == "chunk"));
        }

        AssertAnswer(text, turn, received);
        await chat.DisposeAsync();
    }

    /// <summary>Says something and reads as many chunks.</summary>
    private static async Task<Guid> BeginAsync(RawChat chat, int chunks = 1)
    {
        await chat.SayAsync(Streaming, "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        for (var i = 0; i < chunks; i++)
        {
            await chat.NextAsync("chunk");
        }

        return turn;
    }
}

[Collection<Sharing<ReplicatedPipeline<OnGarnet>>>]
public sealed class ResumesOnGarnet(ReplicatedPipeline<OnGarnet> fixture) : ResumeTests(fixture);

[Collection<Sharing<ReplicatedPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class ResumesOnRedis(ReplicatedPipeline<OnRedis> fixture) : ResumeTests(fixture);

[Collection<Sharing<ReplicatedPipeline<OnCluster>>>]
[Trait("Tier", "Long")]
public sealed class ResumesOnCluster(ReplicatedPipeline<OnCluster> fixture) : ResumeTests(fixture);

[Collection<Sharing<ReplicatedPipelineBehindBalancer>>]
[Trait("Tier", "Long")]
public sealed class ResumesBehindBalancer(ReplicatedPipelineBehindBalancer fixture) : ResumeTests(fixture);
