using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Streaming;
using Konstruct.Tests.Harness;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Streaming;

/// <summary>Moments of a feed that are too short to be hit from outside.</summary>
public sealed class FeedTests(GatewayInside gateway) : IClassFixture<GatewayInside>
{
    /// <summary>It was forgotten: too young for the list that Postgres had given, and over before the subscriber had joined.</summary>
    [Fact]
    public async Task A_turn_that_begins_and_ends_while_a_tab_opens_is_not_missed()
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var feed = gateway.Feed(key);
        var (subscriber, frames) = GatewayInside.NewSubscriber(key);
        feed.Subscribers.Add(subscriber); // Postgres has answered here: no turn was pending.
        await AnswerAsync(feed, key, turnId);
        await StoredAsync(key, turnId);
        feed.Subscribers.Join(subscriber, [], []);

        await Until.TrueAsync(() => Task.FromResult(frames.All.Count == 5));
        Assert.Equal(["ready", "typing", "chunk", "chunk", "done"], frames.All.Select(frame => frame.Type));
        Assert.Empty(feed.Turns());
    }

    [Fact]
    public async Task A_conversation_that_is_created_while_a_tab_opens_lets_the_tab_in()
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var feed = gateway.Feed(key);
        var (subscriber, frames) = GatewayInside.NewSubscriber(key);
        feed.Subscribers.Add(subscriber); // Postgres has answered here: no such conversation.
        feed.OnPayload(StreamEvent.Accepted(turnId, "m"));
        feed.Subscribers.JoinBeforeCreation(subscriber);
        await AnswerAsync(feed, key, turnId);

        await Until.TrueAsync(() => Task.FromResult(frames.All.Count > 0 && frames.All[^1].Type == "done"));
        Assert.Equal([1, 2], frames.All.Where(frame => frame.Type == "chunk").Select(frame => frame.Seq));
    }

    /// <summary>The sweep announces nothing: a subscriber that waited for its conversation to be created never heard of a turn that was dispatched so.</summary>
    [Fact]
    public async Task A_turn_that_nobody_announces_lets_a_hopeful_tab_in()
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var feed = gateway.Feed(key);
        var (subscriber, frames) = GatewayInside.NewSubscriber(key);
        feed.Subscribers.Add(subscriber); // Postgres has answered here: no such conversation.
        feed.Subscribers.JoinBeforeCreation(subscriber);
        await AnswerAsync(feed, key, turnId);

        await Until.TrueAsync(() => Task.FromResult(frames.All.Count > 0 && frames.All[^1].Type == "done"));
        Assert.Equal(["ready", "typing", "chunk", "chunk", "done"], frames.All.Select(frame => frame.Type));
        Assert.Equal(0, subscriber.LookUps);
    }

    /// <summary>Each held what the other wanted, and with it every socket that came later.</summary>
    [Fact]
    public async Task A_turn_ends_while_it_is_asked_for_its_trace()
    {
        var (feeds, cancellation) = (gateway.Feeds, TestContext.Current.CancellationToken);
        var key = new ConversationKey(Guid.NewGuid(), Guid.NewGuid());
        var (subscriber, _) = GatewayInside.NewSubscriber(key);
        var feed = await feeds.AcquireAsync(key, cancellation);
        var turnId = Guid.NewGuid();
        using var over = new CancellationTokenSource();
        var asking = Task.Run(
            () =>
            {
                while (!over.IsCancellationRequested)
                {
                    feeds.TraceOf(feed.Key, turnId);
                }
            },
            cancellation
        );
        var ending = Task.Run(
            async () =>
            {
                for (var i = 0; i < 20_000; i++)
                {
                    Assert.Same(feed, await feeds.AcquireAsync(feed.Key, cancellation)); // Its end gives this one back.
                    var cursor = feed.Begin(turnId, subscriber.Sink, isV2: true, subscriber.ConversationId, activity: null);
                    feed.OnPersisted(cursor.Turn, new(new TurnRow(key, turnId, TurnOutcome.Completed, 1, ""), default));
                }
            },
            cancellation
        );

        await ending.WaitAsync(Until.Soon, cancellation);
        await over.CancelAsync();
        await asking.WaitAsync(Until.Soon, cancellation);
        feeds.Release(feed);
    }

    [Fact]
    public async Task A_tab_that_does_not_open_after_all_leaves_no_turn_behind()
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var feed = gateway.Feed(key);
        var (subscriber, _) = GatewayInside.NewSubscriber(key);
        feed.Subscribers.Add(subscriber);
        await AnswerAsync(feed, key, turnId);
        await StoredAsync(key, turnId);
        feed.Remove(subscriber.Sink, subscriber);
        await Until.TrueAsync(() => Task.FromResult(feed.Turns().Length == 0));
    }

    /// <summary>It was noticed five seconds later, by the timer for silent channels.</summary>
    [Fact]
    public async Task An_end_that_was_published_before_anybody_listened_is_found_in_the_log_at_once()
    {
        var (key, turnId) = await gateway.AcceptAsync();
        await AnswerAsync(feed: null, key, turnId);
        var feed = gateway.Feed(key);
        var (subscriber, frames) = GatewayInside.NewSubscriber(key);
        feed.Subscribers.Add(subscriber);
        var row = (await gateway.Store.FindTurnAsync(key, turnId, CancellationToken.None))!;
        Assert.False(row.IsEnded);
        var stored = await StoredTurn.ReadAsync(gateway.Log, row);
        feed.Subscribers.Join(subscriber, [new(turnId, stored.Attempt, stored.LastSeq)], []);
        feed.Subscribers.Resume(subscriber, stored, attempt: 1, after: 1);

        await Until.TrueAsync(() => Task.FromResult(frames.All[^1].Type == "done"), TimeSpan.FromSeconds(4));
        Assert.Equal(["ready", "chunk", "done"], frames.All.Select(frame => frame.Type));
    }

    /// <summary>Its subscriber had <c>done</c> and never a chunk: no worker had the turn when Redis was asked, and it was over when Postgres answered.</summary>
    [Fact]
    public async Task A_turn_that_is_answered_between_two_looks_comes_with_its_chunks()
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var feed = gateway.Feed(key);
        var (subscriber, frames) = GatewayInside.NewSubscriber(key);
        feed.Subscribers.Add(subscriber);
        feed.Subscribers.Join(subscriber, [], []);
        feed.OnPayload(StreamEvent.Accepted(turnId, "m"));
        await using (var locked = (NpgsqlConnection)await gateway.Sql.LockMessagesAsync())
        {
            var looking = feed.CompareAsync(Assert.Single(feed.Turns()));
            await Until.TrueAsync(async () =>
                await gateway.Sql.ScalarAsync<long>(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                ) > 0
            );
            await AnswerAsync(feed: null, key, turnId);
            await EndAsync(locked, turnId);
            await looking;
        }

        await Until.TrueAsync(() => Task.FromResult(frames.All[^1].Type == "done"));
        Assert.Equal(["ready", "typing", "chunk", "chunk", "done"], frames.All.Select(frame => frame.Type));
    }

    /// <summary>Who was cut off then waited for the deadline of a silent turn, three minutes.</summary>
    [Fact]
    public async Task An_end_that_Redis_lost_is_found_in_Postgres()
    {
        var (key, turnId, feed, frames) = await gateway.JoinAsync();
        feed.OnPayload(StreamEvent.Chunk("one ", turnId, 1, 1));
        await gateway.Store.PersistAsync(key, turnId, TurnOutcome.Completed, 1, "one two "u8.ToArray(), CancellationToken.None);
        await feed.CompareAsync(Assert.Single(feed.Turns()));
        await Until.TrueAsync(() => Task.FromResult(frames.All[^1] is { Type: "done", Text: "one two " }));
    }

    /// <summary>It was replayed: its end was not persisted here, so the feed still knew it, and took it for one that had begun since the subscriber looked.</summary>
    [Fact]
    public async Task A_turn_that_ended_elsewhere_before_a_tab_looked_does_not_come_to_it()
    {
        var (key, turnId, feed, frames) = await gateway.JoinAsync();
        feed.OnPayload(StreamEvent.Chunk("one ", turnId, 1, 1));
        await AnswerAsync(feed: null, key, turnId);
        await gateway.Store.PersistAsync(key, turnId, TurnOutcome.Completed, 1, "one two "u8.ToArray(), CancellationToken.None);

        var (late, lateFrames) = GatewayInside.NewSubscriber(key);
        feed.Subscribers.Add(late);
        Assert.Empty((await gateway.Store.OpenAsync(key, GatewayInside.User, CancellationToken.None))!);
        feed.Subscribers.Join(late, [], []);
        await feed.CompareAsync(Assert.Single(feed.Turns()));

        await Until.TrueAsync(() => Task.FromResult(frames.All[^1].Type == "done"));
        await Until.TrueAsync(() => Task.FromResult(feed.Turns().Length == 0));
        Assert.Equal("ready", Assert.Single(lateFrames.All).Type);
    }

    /// <summary>A gateway that stood still between commit and dispatch announces what the sweep has dispatched meanwhile: it came with typing and from seq 1 again.</summary>
    [Fact]
    public async Task A_turn_that_is_announced_when_it_has_ended_does_not_begin_again()
    {
        var (key, turnId, feed, frames) = await gateway.JoinAsync();
        await AnswerAsync(feed, key, turnId);
        await Until.TrueAsync(() => Task.FromResult(frames.All[^1].Type == "done"));
        var heard = frames.All.Count;

        feed.OnPayload(StreamEvent.Accepted(turnId, "m"));
        Assert.Empty(feed.Turns());
        Assert.Equal(heard, frames.All.Count);
    }

    /// <summary>
    /// On a Redis Cluster the announcement comes from another node than the chunks: where it was behind them, or the sweep had announced nothing, a subscriber had
    /// chunks of a turn that it had not been told of.
    /// </summary>
    [Fact]
    public async Task A_tab_is_told_of_a_turn_before_its_first_chunk_and_once()
    {
        var (key, turnId, feed, frames) = await gateway.JoinAsync();
        feed.OnPayload(StreamEvent.Chunk("one ", turnId, 1, 1));
        feed.OnPayload(StreamEvent.Accepted(turnId, "m"));
        await AnswerAsync(feed, key, turnId);
        await Until.TrueAsync(() => Task.FromResult(frames.All[^1].Type == "done"));
        Assert.Equal(["ready", "typing", "chunk", "chunk", "done"], frames.All.Select(frame => frame.Type));
        Assert.Equal($$"""{"type":"typing","turn_id":"{{turnId}}"}""", frames.All[1].Bytes);
    }

    [Fact]
    public async Task A_tab_that_asks_for_a_turn_is_not_told_of_it()
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var feed = gateway.Feed(key);
        var (subscriber, frames) = GatewayInside.NewSubscriber(key);
        feed.Subscribers.Add(subscriber);
        feed.Subscribers.Join(subscriber, [new(turnId, 1, 0)], []);
        var row = (await gateway.Store.FindTurnAsync(key, turnId, CancellationToken.None))!;
        feed.Subscribers.Resume(subscriber, await StoredTurn.ReadAsync(gateway.Log, row), attempt: 0, after: 0);
        await AnswerAsync(feed, key, turnId);
        await Until.TrueAsync(() => Task.FromResult(frames.All[^1].Type == "done"));
        Assert.Equal(["ready", "chunk", "chunk", "done"], frames.All.Select(frame => frame.Type));
    }

    /// <summary>
    /// A tab had the end from another gateway, lost its socket and came here, where another tab had the conversation open and Redis had been silent. Then
    /// all came at once, and the tab was told the turn and its end again.
    /// </summary>
    [Fact]
    public async Task A_tab_is_not_told_late_of_a_turn_that_had_ended_when_it_opened()
    {
        var (key, ended) = await gateway.AcceptAsync();
        await AnswerAsync(feed: null, key, ended);
        await gateway.Store.PersistAsync(key, ended, TurnOutcome.Completed, 1, "one two "u8.ToArray(), CancellationToken.None);
        var (subscriber, frames) = GatewayInside.NewSubscriber(key);
        var opener = gateway.Get<SubscriberOpener>();
        var (feed, opened) = (
            await opener.OpenAsync(key, GatewayInside.User, subscriber.Sink, $"{key.ConversationId}", mayCreate: false, CancellationToken.None)
        )!.Value;

        feed.OnPayload(StreamEvent.Accepted(ended, "m"));
        await AnswerAsync(feed, key, ended);
        var (_, later) = await gateway.AcceptAsync(key, Guid.CreateVersion7(), messageId: null, task: "{}");
        await AnswerAsync(feed: null, key, later);

        await Until.TrueAsync(() => Task.FromResult(frames.All[^1].Type == "done"));
        Assert.Equal(["ready", "typing", "chunk", "chunk", "done"], frames.All.Select(frame => frame.Type));
        Assert.All(frames.All.Skip(1), frame => Assert.Equal(later, frame.TurnId));
        feed.Remove(subscriber.Sink, opened);
        gateway.Feeds.Release(feed);
    }

    /// <summary>
    /// A message that was just being refused could be the oldest turn that its gateway knew of, and get a foreign answer that another gateway's user waits for.
    /// </summary>
    [Fact]
    public async Task A_foreign_payload_is_for_no_message_that_is_not_accepted_yet()
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var feed = gateway.Feed(key);
        var (subscriber, frames) = GatewayInside.NewSubscriber(key);
        var cursor = feed.Begin(turnId, subscriber.Sink, isV2: true, subscriber.ConversationId, activity: null);
        feed.OnPayload("""{"type":"chunk","text":"for somebody else"}"""u8.ToArray());
        feed.OnPayload("""{"type":"done","text":"for somebody else"}"""u8.ToArray());
        Assert.Empty(frames.All);
        Assert.False(cursor.Turn.IsEnding);

        feed.Accept(cursor);
        feed.OnPayload("""{"type":"chunk","text":"for me"}"""u8.ToArray());
        Assert.Equal("for me", Assert.Single(frames.All).Text);
    }

    private async Task AnswerAsync(ConversationFeed? feed, ConversationKey key, Guid turnId)
    {
        var attempt = new AttemptKey(
            key.ConversationId,
            turnId,
            1,
            new ResponseChannel(ResponseChannel.DefaultTemplate).For(key.TenantId, key.ConversationId)
        );
        byte[][] chunks = [StreamEvent.Chunk("one ", turnId, 1, 1), StreamEvent.Chunk("two ", turnId, 1, 2)];
        await gateway.Log.OpenAsync(attempt, "claim");
        await gateway.Log.AppendAsync(attempt, "claim", 1, chunks, 1_000_000);
        await gateway.Log.FinishAsync(attempt, "claim", 3, TurnOutcome.Completed, "one two ");
        foreach (var payload in chunks.Append(StreamEvent.Done("one two ", key.ConversationId, turnId, 1, 3, TurnOutcome.Completed)))
        {
            feed?.OnPayload(payload);
        }
    }

    /// <summary>As another gateway would, within the transaction that holds the tables.</summary>
    private static async Task EndAsync(NpgsqlConnection locked, Guid turnId)
    {
        await using var batch = new NpgsqlBatch(locked)
        {
            BatchCommands =
            {
                new(
                    """
                    WITH ended AS (DELETE FROM web_turns WHERE turn_id = $1 RETURNING *)
                    INSERT INTO web_conversation_messages (tenant_id, id, conversation_id, role, content, turn_id, status, attempt, created_at)
                    SELECT tenant_id, answer_id, conversation_id, 'assistant', 'one two ', turn_id, 'completed', 1, created_at FROM ended
                    """
                )
                {
                    Parameters = { new() { Value = turnId } },
                },
                new("COMMIT"),
            },
        };
        await batch.ExecuteNonQueryAsync();
    }

    private Task StoredAsync(ConversationKey key, Guid turnId) =>
        Until.TrueAsync(async () => await gateway.Store.FindTurnAsync(key, turnId, CancellationToken.None) is { IsEnded: true });
}
