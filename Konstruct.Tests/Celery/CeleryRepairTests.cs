using Konstruct.Tests.Harness;
using StackExchange.Redis;
using Xunit;

namespace Konstruct.Tests.Celery;

/// <summary>Gateways that listen to a turn stop and die. What the task publishes meanwhile reaches clients once and in order.</summary>
[Trait("Tier", "Long")]
public abstract class CeleryRepairTests(CeleryPipeline fixture) : CeleryTestBase(fixture)
{
    private static readonly (string Step, object Value)[] InTwoParts =
    [
        ("chunk", "a"),
        ("chunk", "b"),
        ("wait", "go"),
        ("chunks", 50),
        ("wait", "end"),
        ("done", "the whole text"),
    ];

    private static IEnumerable<string> AllChunks => ["a", "b", .. Enumerable.Range(0, 50).Select(i => $"{i} ")];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Another_gateway_goes_on_where_the_first_one_stopped(bool isKilled)
    {
        await using var gateway = await Pipeline.StartGatewayAsync();
        await using var tab = await OpenV2Async(Fixture.OtherGateway);
        Guid turn;
        await using (var chat = await OpenV2Async(gateway))
        {
            await chat.SayAsync(Steps(InTwoParts), "m");
            turn = (await chat.NextAsync("typing")).TurnId!.Value;
            await chat.NextAsync("chunk");
            await chat.NextAsync("chunk");
            await StandbyAsync(turn);
            await (isKilled ? gateway.KillAsync() : gateway.TerminateAsync());
        }

        // Nobody has the lease yet where the gateway was killed. What is published now is kept by the gateway that stands by.
        await GoAsync();
        await tab.NextAsync("typing");
        var expected = Expected(Conversation, turn, AllChunks, "the whole text").ToList();
        Assert.Equal(expected[..^1], await ReadAsync(tab, expected.Count - 1));
        await GoAsync("end");
        Assert.Equal(expected[^1], (await tab.NextAsync("done")).Bytes);
        Assert.Equal(["completed: the whole text"], await AnswersAsync());
        Assert.Single(await SeenAsync(turn));
    }

    /// <summary>Nobody has a socket, and the gateway that accepted the message dies before the end: another one hears it.</summary>
    [Fact]
    public async Task An_end_in_the_moment_of_a_gateways_death_is_not_lost()
    {
        await BeginAndKillAsync();
        await GoAsync();
        Assert.Equal(["completed: a and the rest"], await AnswersAsync());
    }

    /// <summary>A gateway that was suspended past its lease finds another one in its place, and writes nothing more.</summary>
    [Fact]
    public async Task A_gateway_that_was_suspended_does_not_write_beside_the_next_one()
    {
        await using var gateway = await Pipeline.StartGatewayAsync();
        await using var tab = await OpenV2Async(Fixture.OtherGateway);
        await using var chat = await OpenV2Async(gateway);
        await chat.SayAsync(Steps(InTwoParts), "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await chat.NextAsync("chunk");
        await chat.NextAsync("chunk");
        await StandbyAsync(turn);
        gateway.Stall();
        await GoAsync();
        await tab.NextAsync("typing");
        var expected = Expected(Conversation, turn, AllChunks, "the whole text").ToList();
        Assert.Equal(expected[..^1], await ReadAsync(tab, expected.Count - 1));
        gateway.Resume();
        Assert.Equal(expected[2..^1], await ReadAsync(chat, expected.Count - 3));
        await GoAsync("end");
        Assert.Equal(expected[^1], (await tab.NextAsync("done")).Bytes);
        Assert.Equal(expected[^1], (await chat.NextAsync("done")).Bytes);
    }

    /// <summary>The gateway that took over was taken for its own second one, and no other stood by for the rest of the turn.</summary>
    [Fact]
    public async Task The_gateway_that_took_over_gets_a_second_one()
    {
        var (turn, first) = await BeginAndKillAsync();
        await Until.TrueAsync(async () =>
        {
            var (lease, standby) = (await KeyAsync("listening", turn), await KeyAsync("standby", turn));
            return lease.HasValue && standby.HasValue && lease != first && lease != standby;
        });
        await GoAsync();
        Assert.Equal(["completed: a and the rest"], await AnswersAsync());
    }

    /// <summary>
    /// A gateway that stopped gave the lease to one that did not know yet where the log ended. It wrote the last chunk again. Here it cannot see the log,
    /// because the turn's key has another type.
    /// </summary>
    [Fact]
    public async Task A_gateway_stands_by_only_when_it_has_seen_the_log()
    {
        var (redis, turn) = (Pipeline.Redis.Database, Guid.NewGuid());
        await redis.StringSetAsync($"{{{Conversation}}}:turn:{turn}", "no hash");
        await redis.StringSetAsync($"{{{Conversation}}}:place", $"{turn}");
        await redis.StringSetAsync($"{{{Conversation}}}:listening:{turn}", "the first gateway", TimeSpan.FromMinutes(5));
        await Pipeline.Redis.PublishAsync("konstruct:dispatch:listen", $"another:{Me.Tenant:N}:{Conversation:N}:{turn:N}");
        await Until.TrueAsync(() =>
            Task.FromResult($"{Gateway.Log}{Fixture.OtherGateway.Log}".Contains("logging a legacy answer", StringComparison.Ordinal))
        );
        Assert.True((await KeyAsync("second", turn)).HasValue);
        Assert.False((await KeyAsync("standby", turn)).HasValue);
        await redis.KeyDeleteAsync($"{{{Conversation}}}:turn:{turn}");
        await redis.HashSetAsync($"{{{Conversation}}}:turn:{turn}", "attempt", 1);
        await StandbyAsync(turn);
        await redis.HashSetAsync($"{{{Conversation}}}:turn:{turn}", "end", "1"); // Nobody listens any more.
    }

    /// <summary>
    /// A gateway that took the lease without having heard the end kept the turn until its deadline. Later the end was written, but not the chunks before it:
    /// also those of a gateway that died with a fresh lease.
    /// </summary>
    [Fact]
    public async Task What_only_the_second_gateway_heard_is_streamed_to_its_end()
    {
        var (turn, _) = await BeginAndKillAsync();
        await using var tab = await OpenV2Async(Fixture.OtherGateway);
        await tab.ResumeAsync(turn, attempt: 1, after: 0);
        await Pipeline.Redis.Database.StringSetAsync($"{{{Conversation}}}:listening:{turn}", "a gateway that hears nothing", TimeSpan.FromMinutes(5));
        await GoAsync();
        Assert.Equal(
            Expected(Conversation, turn, ["a", " and the rest"]),
            (await tab.ReadToAsync("done")).Where(frame => frame.Type is not "typing").Select(frame => frame.Bytes)
        );
        Assert.Equal(["completed: a and the rest"], await AnswersAsync());
    }

    /// <summary>What was logged is gone: clients start again with what is still heard, and <c>done</c> has the whole text.</summary>
    [Fact]
    public async Task An_answer_whose_log_is_lost_ends_with_its_whole_text()
    {
        await using var chat = await OpenV2Async();
        await chat.SayAsync(Steps(("chunk", "a"), ("wait", "go"), ("chunk", "b"), ("done", "ab")), "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await chat.NextAsync("chunk");
        await Pipeline.Redis.FlushAsync();
        Assert.Equal(2, (await chat.NextAsync("reset")).Attempt);
        await GoAsync();
        var chunk = await chat.NextAsync("chunk");
        Assert.Equal(("b", 2, 1), (chunk.Text, chunk.Attempt, chunk.Seq));
        Assert.Equal("ab", (await chat.NextAsync("done")).Text);
        Assert.Equal(["completed: ab"], await AnswersAsync());
        Assert.Equal(0, await Pipeline.Redis.Database.ListLengthAsync("celery"));
        Assert.Equal(0, await Pipeline.Redis.Database.ListLengthAsync($"seen:{turn}")); // Flushed, and not delivered again.
    }

    /// <summary>The gateway dies between its commit and the dispatch: another one dispatches, because it knows that nothing was sent.</summary>
    [Fact]
    public async Task A_turn_that_was_stored_and_not_sent_is_sent_by_the_sweep()
    {
        await using var chat = await OpenV2Async();
        await chat.SayAsync("first", "1"); // The broker has kept its data since before the second message.
        await chat.ReadToAsync("done");
        await using var broker = await RedisServer.StartAsync(RedisKind.Garnet);
        await using var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["ConnectionStrings__celery"] = $"{broker.ConnectionString},syncTimeout=1000,asyncTimeout=1000" }
        );
        await using var doomed = await OpenV2Async(gateway);
        await broker.KillServerAsync();
        await doomed.SayAsync("second", "2");
        var turn = (await doomed.NextAsync("typing")).TurnId!.Value;
        await gateway.KillAsync();
        Assert.Equal("second ", (await chat.ReadToAsync("done"))[^1].Text);
        Assert.Single(await SeenAsync(turn));
    }

    /// <summary>The next message of the conversation does not wait for a gateway that is gone.</summary>
    [Fact]
    public async Task A_conversation_goes_on_after_its_gateway_died()
    {
        await using var gateway = await Pipeline.StartGatewayAsync();
        await using (var chat = await OpenV2Async(gateway))
        {
            await chat.SayAsync(Steps(("chunk", "a"), ("wait", "go"), ("done", "a")), "m");
            await StandbyAsync((await chat.NextAsync("typing")).TurnId!.Value);
            await chat.NextAsync("chunk");
            await gateway.KillAsync();
        }

        await using var other = await OpenV2Async(Fixture.OtherGateway);
        await other.SayAsync("next", "n");
        await GoAsync();
        while ((await other.NextAsync()) is not { Type: "done", Text: "next " }) { }

        Assert.Equal(["completed: a", "completed: next "], (await AnswersAsync(2)).Order(StringComparer.Ordinal));
    }

    private static async Task<List<string>> ReadAsync(RawChat chat, int count)
    {
        var frames = new List<string>();
        while (frames.Count < count)
        {
            frames.Add((await chat.NextAsync("chunk")).Bytes);
        }

        return frames;
    }

    /// <summary>A turn whose gateway is killed in mid-answer while another one stands by. First: the name of the killed one in leases.</summary>
    private async Task<(Guid Turn, RedisValue First)> BeginAndKillAsync()
    {
        await using var gateway = await Pipeline.StartGatewayAsync();
        await using var chat = await OpenV2Async(gateway);
        await chat.SayAsync(Steps(("chunk", "a"), ("wait", "go"), ("chunk", " and the rest"), ("done", "a and the rest")), "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await chat.NextAsync("chunk");
        await StandbyAsync(turn);
        var first = await KeyAsync("listening", turn);
        await gateway.KillAsync();
        return (turn, first);
    }

    private Task StandbyAsync(Guid turn) => Until.TrueAsync(async () => (await KeyAsync("standby", turn)).HasValue);

    private Task<RedisValue> KeyAsync(string name, Guid turn) => Pipeline.Redis.Database.StringGetAsync($"{{{Conversation}}}:{name}:{turn}");
}

[Collection<Sharing<CeleryPipeline<OnGarnet>>>]
public sealed class CeleryRepairOnGarnet(CeleryPipeline<OnGarnet> fixture) : CeleryRepairTests(fixture);

[Collection<Sharing<CeleryPipeline<OnRedis>>>]
public sealed class CeleryRepairOnRedis(CeleryPipeline<OnRedis> fixture) : CeleryRepairTests(fixture);
