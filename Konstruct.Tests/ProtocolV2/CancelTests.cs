using Konstruct.Contracts.Redis;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.ProtocolV2;

/// <summary>Cancel ends the turn and nothing else: at any time, from any replica, keeping what there is.</summary>
public abstract class CancelTests(ReplicatedPipeline fixture) : ReplicatedTests(fixture)
{
    private const string Endless = "/stream tokens=100000 rate=20 delay=0";
    private const int LeastRaces = 30;
    private const int MostRaces = 300;

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task A_streaming_turn_ends_with_what_there_is_for_every_tab(bool byTurn, bool elsewhere)
    {
        await using var chat = await OpenV2Async();
        await using var tab = await OpenV2ElsewhereAsync();
        await chat.SayAsync(Endless, "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await chat.NextAsync("chunk");
        var canceller = elsewhere ? tab : chat;
        await (byTurn ? canceller.CancelTurnAsync(turn) : canceller.CancelMessageAsync("m"));

        var (mine, theirs) = (await chat.ReadToAsync("done"), await tab.ReadToAsync("done"));
        var done = mine[^1];
        Assert.Equal(done.Bytes, theirs[^1].Bytes);
        Assert.Equal(("cancelled", 1), (done.Reason, done.Attempt));
        Assert.Equal(string.Concat(theirs.Where(frame => frame.Type == "chunk").Select(frame => frame.Text)), done.Text);
        Assert.StartsWith(done.Text!, Answers.Of(Endless), StringComparison.Ordinal);
        await AssertStoredAsync((Endless, done.Text!, "cancelled"));
        await AssertStoppedAsync(turn);

        // Neither socket was closed by it.
        await chat.SayAsync("/burst 1", "next");
        await Task.WhenAll(chat.ReadToAsync("done"), tab.ReadToAsync("done"));
    }

    [Fact]
    public async Task Before_the_first_token()
    {
        await using var chat = await OpenV2Async();
        await chat.SayAsync("/silent", "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await chat.CancelTurnAsync(turn);
        Assert.Equal(Frames2.Done("", Conversation, turn, 1, "cancelled"), (await chat.NextAsync()).Bytes);
        await AssertStoredAsync(("/silent", "", "cancelled"));
        await AssertStoppedAsync(turn);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Before_the_server_knows_the_message(bool elsewhere)
    {
        await using var chat = await OpenV2Async();
        await using var tab = elsewhere ? await OpenV2ElsewhereAsync() : await OpenV2Async();
        await tab.CancelMessageAsync("m");
        await tab.SendAsync("{}}"); // Frames of a socket are served in order: the answer to this one says that the cancel is remembered.
        Assert.Equal("bad_frame", (await tab.NextAsync("error")).Code);
        await chat.SayAsync(Endless, "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        Assert.Equal(Frames2.Done("", Conversation, turn, 1, "cancelled"), (await chat.NextAsync()).Bytes);
        await AssertStoredAsync((Endless, "", "cancelled"));
        await AssertStoppedAsync(turn);
        Assert.False(await Pipeline.Redis.Database.HashExistsAsync(RedisKeys.Turn(Conversation, turn), "claim"), "A worker has had it.");
    }

    [Fact]
    public async Task In_the_same_moment_as_the_message()
    {
        for (var i = 0; i < 20; i++)
        {
            var conversation = Guid.NewGuid();
            var (chat, _) = await RawChat.OpenV2Async(Gateway, Me, conversation);
            await chat.SayAsync(Endless, "m");
            await chat.CancelMessageAsync("m");
            Assert.Equal("cancelled", (await chat.ReadToAsync("done"))[^1].Reason);
            await chat.DisposeAsync();
        }
    }

    /// <summary>The cancel leaves ever later, up to the last chunk; the test goes on until each side has won a race.</summary>
    [Fact]
    public async Task A_cancel_that_races_done_ends_one_way_for_everybody()
    {
        const int tokens = 5;
        var text = $"/stream tokens={tokens} rate=100 delay=10";
        var outcomes = new HashSet<string>();
        for (var race = 0; race < LeastRaces || outcomes.Count < 2; race++)
        {
            Assert.True(race < MostRaces, $"There was no race: all of {race} turns were {string.Join(" or ", outcomes)}.");
            var conversation = Guid.NewGuid();
            await using var chat = (await RawChat.OpenV2Async(Gateway, Me, conversation)).Chat;
            await using var tab = (await RawChat.OpenV2Async(OtherGateway, Me, conversation)).Chat;
            await chat.SayAsync(text, "m");
            await tab.NextAsync("typing");
            for (var chunk = 0; chunk < race % (tokens + 1); chunk++)
            {
                await tab.NextAsync("chunk");
            }

            await tab.CancelMessageAsync("m");
            var (mine, theirs) = ((await chat.ReadToAsync("done"))[^1], (await tab.ReadToAsync("done"))[^1]);

            Assert.Equal(mine.Bytes, theirs.Bytes);
            var row = Assert.Single(await Sql.MessagesAsync(conversation), message => message.Role == "assistant");
            Assert.Equal((mine.Text, mine.Reason), (row.Content, row.Status));
            if (mine.Reason == "completed")
            {
                Assert.Equal(Answers.Of(text), mine.Text);
            }
            else
            {
                Assert.StartsWith(mine.Text!, Answers.Of(text), StringComparison.Ordinal);
            }

            outcomes.Add(mine.Reason!);
        }

        Assert.Equal(["cancelled", "completed"], outcomes.Order());
    }

    [Fact]
    public async Task After_the_end_it_changes_nothing()
    {
        await using var chat = await OpenV2Async();
        await chat.SayAsync("/burst 3", "m");
        var turn = (await chat.ReadToAsync("done"))[0].TurnId!.Value;
        await chat.CancelTurnAsync(turn);
        await chat.CancelMessageAsync("m");
        await chat.SayAsync("/burst 2", "next");
        AssertAnswer("/burst 2", (await chat.NextAsync("typing")).TurnId!.Value, await chat.ReadToAsync("done"));
        await AssertStoredAsync(("/burst 3", Answers.Of("/burst 3"), "completed"), ("/burst 2", Answers.Of("/burst 2"), "completed"));
    }

    /// <summary>A page of the log that brought nothing was read again and again, as fast as Redis could.</summary>
    [Fact]
    public async Task Of_a_turn_whose_log_was_lost_under_a_replay_ends_it()
    {
        await using var chat = await OpenV2Async();
        await chat.SayAsync("/stream tokens=100000 rate=3 delay=0", "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await chat.NextAsync("chunk");
        await chat.NextAsync("chunk");
        await Pipeline.Redis.Database.KeyDeleteAsync([RedisKeys.Turn(Conversation, turn), RedisKeys.Log(Conversation, turn, 1)]);
        await chat.ResumeAsync(turn, 0, 0);
        await chat.CancelTurnAsync(turn);
        Assert.Equal("cancelled", (await chat.ReadToAsync("done"))[^1].Reason);
    }

    /// <summary>The worker lets go, so nothing of the turn is left in the dispatch slot.</summary>
    private Task AssertStoppedAsync(Guid turn) =>
        Until.TrueAsync(async () =>
        {
            var entry = RedisKeys.Entry(turn, 1);
            var redis = Pipeline.Redis.Database;
            return await redis.SortedSetScoreAsync(RedisKeys.Leases, entry) is null
                && await redis.SortedSetScoreAsync(RedisKeys.Queue, entry) is null
                && await redis.SortedSetScoreAsync(RedisKeys.Answered, entry) is null
                && !await redis.HashExistsAsync(RedisKeys.Tasks, entry);
        });
}

[Collection<Sharing<ReplicatedPipeline<OnGarnet>>>]
public sealed class CancelsOnGarnet(ReplicatedPipeline<OnGarnet> fixture) : CancelTests(fixture);

[Collection<Sharing<ReplicatedPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class CancelsOnRedis(ReplicatedPipeline<OnRedis> fixture) : CancelTests(fixture);

[Collection<Sharing<ReplicatedPipeline<OnCluster>>>]
[Trait("Tier", "Long")]
public sealed class CancelsOnCluster(ReplicatedPipeline<OnCluster> fixture) : CancelTests(fixture);

[Collection<Sharing<ReplicatedPipelineBehindBalancer>>]
[Trait("Tier", "Long")]
public sealed class CancelsBehindBalancer(ReplicatedPipelineBehindBalancer fixture) : CancelTests(fixture);
