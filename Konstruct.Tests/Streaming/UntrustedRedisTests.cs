using System.Text;
using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Edge;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Streaming;
using Konstruct.Tests.Harness;
using StackExchange.Redis;
using Xunit;

namespace Konstruct.Tests.Streaming;

/// <summary>Whatever is in Redis, somebody else may have put it there: it is checked like a client's frame.</summary>
public sealed class UntrustedRedisTests(GatewayInside gateway) : IClassFixture<GatewayInside>
{
    /// <summary>The other tenant's turn lost its place in the queue, and this conversation's tabs were shown its end.</summary>
    [Theory]
    [InlineData(1, "completed")]
    [InlineData(100, "failed")]
    [InlineData(0, "cancelled")]
    public async Task An_end_of_another_tenants_turn_removes_nothing_and_is_not_shown(int attempt, string reason)
    {
        var (victim, turnId) = await gateway.AcceptAsync();
        await gateway.Queue.EnqueueAsync(GatewayInside.TaskOf(victim, turnId));
        var (feed, frames) = await JoinAsync();

        feed.OnPayload(StreamEvent.Done("not an answer", feed.Key.ConversationId, turnId, attempt, 1, reason));
        await gateway.IdleAsync();

        Assert.Equal(DispatchState.Waiting, await gateway.StateOfAsync(turnId, 1));
        Assert.Equal(TurnOutcome.Pending, (await FindAsync(victim, turnId)).Status);
        Assert.Equal(["ready"], frames.All.Select(frame => frame.Type));
        Assert.Empty(feed.Turns());
    }

    [Fact]
    public async Task Chunks_of_a_turn_that_Postgres_does_not_have_are_taken_back_at_its_end()
    {
        var (feed, frames) = await JoinAsync();
        var turnId = Guid.CreateVersion7();
        feed.OnPayload(StreamEvent.Chunk("not an answer", turnId, 1, 1));
        feed.OnPayload(StreamEvent.Done("not an answer", feed.Key.ConversationId, turnId, 1, 2, TurnOutcome.Completed));
        await gateway.IdleAsync();

        Assert.Equal(["ready", "typing", "chunk", "done"], frames.All.Select(frame => frame.Type));
        Assert.Equal(("", "cancelled"), (frames.All[^1].Text, frames.All[^1].Reason));
        Assert.Empty(feed.Turns());
    }

    /// <summary>A feed remembered it for as long as a tab was open, and asked the stores for it every five seconds.</summary>
    [Fact]
    public async Task A_turn_that_Postgres_does_not_have_is_forgotten_when_its_silence_is_looked_at()
    {
        var (feed, frames) = await JoinAsync();
        feed.OnPayload(StreamEvent.Chunk("not an answer", Guid.CreateVersion7(), 1, 1));
        await feed.CompareAsync(Assert.Single(feed.Turns()));

        Assert.Empty(feed.Turns());
        Assert.Equal(("done", ""), (frames.All[^1].Type, frames.All[^1].Text));
    }

    /// <summary>It made two thousand million entries to remove: 1.7 GB, or the process.</summary>
    [Theory]
    [InlineData("2147483647")]
    [InlineData("101")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("99999999999")]
    [InlineData("\"1\"")]
    public async Task An_end_with_a_number_out_of_range_ends_nothing(string number)
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var (feed, frames) = await JoinAsync(key);
        foreach (var (attempt, seq) in new[] { (number, "1"), ("1", number is "101" ? "1000002" : number) })
        {
            feed.OnPayload(
                Encoding.UTF8.GetBytes(
                    $$"""{"type":"done","text":"a","turn_id":"{{turnId}}","attempt":{{attempt}},"seq":{{seq}},"reason":"completed"}"""
                )
            );
        }

        var allocated = GC.GetTotalAllocatedBytes();
        await gateway.IdleAsync();

        Assert.InRange(GC.GetTotalAllocatedBytes() - allocated, 0, 200L * 1024 * 1024); // Other tests allocate meanwhile.
        Assert.Equal(TurnOutcome.Pending, (await FindAsync(key, turnId)).Status);
        Assert.Equal(["ready"], frames.All.Select(frame => frame.Type));
    }

    /// <summary>A payload of the original kind has no attempt. One that claims one gave it to the oldest turn.</summary>
    [Fact]
    public async Task A_foreign_end_says_nothing_about_attempts()
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var (feed, frames) = await JoinAsync(key);
        feed.OnPayload(StreamEvent.Accepted(turnId, "m"));
        feed.OnPayload("""{"type":"done","text":"a","attempt":2147483647,"seq":-2147483648}"""u8.ToArray());
        await gateway.IdleAsync();

        var row = await FindAsync(key, turnId);
        Assert.Equal(("completed", 1), (row.Status, row.Attempt));
        Assert.Equal("done", frames.All[^1].Type);
    }

    [Theory]
    [InlineData("attempt", "2147483647")]
    [InlineData("attempt", "abc")]
    [InlineData("attempt", "-1")]
    [InlineData("attempt", "1.5")]
    [InlineData("end", "deleted")]
    [InlineData("at", "9223372036854775807")]
    [InlineData("at", "abc")]
    [InlineData("seq", "2147483647")]
    [InlineData("seq", "abc")]
    public async Task A_field_of_a_turn_that_makes_no_sense_counts_as_missing_and_the_turn_can_be_cancelled(string field, string value)
    {
        var (key, turnId) = await gateway.AcceptAsync();
        await gateway.Redis.HashSetAsync(RedisKeys.Turn(key.ConversationId, turnId), field, value);

        Assert.Equal(default, await gateway.Log.ReadStateAsync(key.ConversationId, turnId));
        if (field != "end")
        {
            Assert.True(await gateway.Canceller.CancelAsync(key, turnId, CancellationToken.None).WaitAsync(Until.Soon, CancellationToken.None));
            Assert.Equal(TurnOutcome.Cancelled, (await gateway.Log.ReadStateAsync(key.ConversationId, turnId)).Outcome);
        }
    }

    [Fact]
    public async Task Entries_of_a_log_that_say_another_place_are_not_part_of_the_answer()
    {
        var (key, turnId) = await gateway.AcceptAsync();
        byte[][] entries =
        [
            StreamEvent.Chunk("one ", turnId, 1, 1),
            StreamEvent.Chunk("another turn's ", Guid.NewGuid(), 1, 2),
            StreamEvent.Chunk("another attempt's ", turnId, 2, 3),
            StreamEvent.Chunk("another seq's ", turnId, 1, 7),
            StreamEvent.Done("another turn's end", key.ConversationId, Guid.NewGuid(), 1, 5, TurnOutcome.Completed),
            "not JSON"u8.ToArray(),
        ];
        await gateway.Redis.ListRightPushAsync(RedisKeys.Log(key.ConversationId, turnId, 1), [.. entries.Select(entry => (RedisValue)entry)]);

        Assert.Equal("one ", (await gateway.Log.ReadTextAsync(key.ConversationId, turnId, 1)).Text);
        var read = await gateway.Log.ReadAsync(key.ConversationId, turnId, 1, after: 0, most: 100);
        Assert.Equal([StreamEventKind.Chunk, .. Enumerable.Repeat(StreamEventKind.Unknown, 5)], read.Select(entry => entry.Kind));
    }

    [Fact]
    public async Task A_chunk_is_repaired_before_it_is_logged_and_published()
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var attempt = new AttemptKey(key.ConversationId, turnId, 1, RedisChannel.Literal($"{Guid.NewGuid()}"));
        var heard = await gateway.Subscriber.SubscribeAsync(attempt.Channel);
        await gateway.Log.OpenAsync(attempt, "claim");
        await gateway.Log.AppendAsync(attempt, "claim", 1, [InvalidText.Chunk(turnId, 1)], 1_000_000);

        var logged = (byte[])(await gateway.Redis.ListGetByIndexAsync(RedisKeys.Log(key.ConversationId, turnId, 1), 0))!;
        Assert.Equal(StreamEvent.Chunk(InvalidText.Repaired, turnId, 1, 1), logged);
        using var limit = new CancellationTokenSource(Until.Soon);
        Assert.Equal(logged, (byte[])(await heard.ReadAsync(limit.Token)).Message!);
        await heard.UnsubscribeAsync();
    }

    [Theory]
    [InlineData("inf")]
    [InlineData("-inf")]
    [InlineData("-1.5")]
    public async Task An_entry_can_be_claimed_whatever_its_score(string score)
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var entry = RedisKeys.Entry(turnId, 1);
        await gateway.Queue.EnqueueAsync(GatewayInside.TaskOf(key, turnId));
        await gateway.Redis.ExecuteAsync("ZADD", [RedisKeys.Queue, score, entry]);

        await gateway.Queue.MeasureAsync();
        var claimed = Assert.Single(await gateway.Queue.ClaimAsync(TimeSpan.FromSeconds(30), 1_000), task => task.Entry == entry);
        Assert.InRange(claimed.Waited, TimeSpan.Zero, TimeSpan.FromDays(1));
    }

    [Fact]
    public async Task A_lease_that_ends_never_counts_as_run_out()
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var entry = RedisKeys.Entry(turnId, 1);
        await gateway.Queue.EnqueueAsync(GatewayInside.TaskOf(key, turnId));
        await gateway.Queue.ClaimAsync(TimeSpan.FromSeconds(30), 1_000);
        Assert.Equal([DispatchState.Held], await gateway.Queue.InspectAsync([entry]));

        await gateway.Redis.ExecuteAsync("ZADD", [RedisKeys.Leases, "inf", entry]);
        Assert.Equal([DispatchState.Missing], await gateway.Queue.InspectAsync([entry]));
    }

    [Theory]
    [InlineData("abc")]
    [InlineData("9e18")]
    [InlineData("-5")]
    public async Task A_bucket_that_makes_no_sense_locks_nobody_out(string value)
    {
        var (tenant, user) = (Guid.NewGuid(), Guid.NewGuid());
        var bucket = new MessageBucket(gateway.Redis.Multiplexer);
        await gateway.Redis.StringSetAsync(MessageBucket.KeyOf(tenant, user), value);

        var wait = await bucket.TakeAsync(tenant, user, perMinute: 60, burst: 5) ?? TimeSpan.Zero;
        Assert.InRange(wait, TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    /// <summary>A tab that has joined a conversation: this one, or another one in which nothing was said.</summary>
    private async Task<(ConversationFeed Feed, KeptFrames Frames)> JoinAsync(ConversationKey? conversation = null)
    {
        var key = conversation ?? new(Guid.NewGuid(), Guid.NewGuid());
        var feed = gateway.Feed(key);
        var (subscriber, frames) = GatewayInside.NewSubscriber(key);
        feed.Subscribers.Add(subscriber);
        feed.Subscribers.Join(subscriber, [], []);
        await gateway.IdleAsync();
        return (feed, frames);
    }

    private async Task<TurnRow> FindAsync(ConversationKey key, Guid turnId) =>
        (await gateway.Store.FindTurnAsync(key, turnId, CancellationToken.None))!;
}
