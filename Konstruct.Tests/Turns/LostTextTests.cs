using System.Text;
using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Streaming;
using Konstruct.Gateway.Turns;
using Konstruct.Tests.Streaming;
using Xunit;

namespace Konstruct.Tests.Turns;

/// <summary>
/// A gateway reads that a turn is completed, and Redis loses the log before the gateway reads the text. The turn was stored as a completed answer
/// without text. The model of a turn found it.
/// </summary>
public sealed class LostTextTests(GatewayInside gateway) : IClassFixture<GatewayInside>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Redis lost the end with its log, as a restart without data does.</summary>
    [Fact]
    public async Task A_turn_whose_end_is_lost_gets_another_attempt()
    {
        var key = NewConversation();
        var turnId = await gateway.LeaveBehindAsync(key);

        await gateway.Get<TurnPersister>().PersistOnceAsync(new(key, turnId, TurnOutcome.Completed, 1, Text: null), default, Cancellation);
        Assert.Equal(TurnOutcome.Pending, (await FindAsync(key, turnId)).Status);

        await gateway.Sweeper.SweepAsync(Cancellation);
        Assert.Equal(DispatchState.Waiting, await gateway.StateOfAsync(turnId, 2));
    }

    /// <summary>The gateway of the client's socket had to believe in the lost end, or the client would never hear of the next attempt.</summary>
    [Fact]
    public async Task A_client_whose_gateway_read_the_lost_end_gets_the_next_attempt()
    {
        var (key, turnId, feed, frames) = await JoinAsync();
        await AnswerAsync(key, turnId, 1, feed, "lost ");
        await LoseAsync(key, turnId);
        feed.OnPayload(DoneWithoutText(turnId));
        await gateway.IdleAsync();
        Assert.Equal(["ready", "typing", "chunk"], frames.All.Select(frame => frame.Type));

        feed.OnPayload(StreamEvent.Reset(turnId, 2));
        await AnswerAsync(key, turnId, 2, feed, "again ");
        feed.OnPayload(StreamEvent.Done("again ", key.ConversationId, turnId, 2, 2, TurnOutcome.Completed));
        await gateway.IdleAsync();

        Assert.Equal(["ready", "typing", "chunk", "reset", "chunk", "done"], frames.All.Select(frame => frame.Type));
        Assert.Equal(("again ", "completed"), (frames.All[^1].Text, frames.All[^1].Reason));
        Assert.Equal(("completed", "again "), await StoredAsync(key, turnId));
    }

    /// <summary>
    /// Redis lost a turn whose end was on its way to the gateway, and the turn was given another attempt. That one was streamed after the end.
    /// </summary>
    [Fact]
    public async Task An_end_that_Redis_lost_ends_the_next_attempt_too()
    {
        var (key, turnId, feed, frames) = await JoinAsync();
        await AnswerAsync(key, turnId, 1, feed, "first ");
        await LoseAsync(key, turnId);
        var next = KeyOf(key, turnId, 2);
        Assert.Equal(LogWrite.Written, await gateway.Log.OpenAsync(next, "claim"));

        feed.OnPayload(StreamEvent.Done("first ", key.ConversationId, turnId, 1, 2, TurnOutcome.Completed));
        await gateway.IdleAsync();

        Assert.Equal(LogWrite.Ended, await gateway.Log.AppendAsync(next, "claim", 1, [StreamEvent.Chunk("again ", turnId, 2, 1)], 1_000));
        Assert.Equal(("first ", "completed"), (frames.All[^1].Text, frames.All[^1].Reason));
        Assert.Equal(("completed", "first "), await StoredAsync(key, turnId));
    }

    /// <summary>Another gateway was faster: its client waits for nothing else.</summary>
    [Fact]
    public async Task A_client_whose_gateway_read_the_lost_end_gets_what_is_stored()
    {
        var (key, turnId, feed, frames) = await JoinAsync();
        await AnswerAsync(key, turnId, 1, feed, "stored ");
        await gateway.Store.PersistAsync(key, turnId, TurnOutcome.Completed, 1, "stored "u8.ToArray(), Cancellation);
        await LoseAsync(key, turnId);
        feed.OnPayload(DoneWithoutText(turnId));
        await gateway.IdleAsync();

        Assert.Equal(("done", "stored ", "completed"), (frames.All[^1].Type, frames.All[^1].Text, frames.All[^1].Reason));
    }

    /// <summary>The turn's hash says completed for as long as it is kept, and the text is nowhere: evicted, or deleted by hand.</summary>
    [Fact]
    public async Task A_turn_whose_log_alone_is_lost_is_failed()
    {
        var key = NewConversation();
        var turnId = await gateway.LeaveBehindAsync(key);
        await AnswerAsync(key, turnId, 1, feed: null, "lost ");
        await gateway.Redis.KeyDeleteAsync(RedisKeys.Log(key.ConversationId, turnId, 1));

        await gateway.Sweeper.SweepAsync(Cancellation);

        Assert.Equal(("failed", ""), await StoredAsync(key, turnId));
    }

    [Fact]
    public async Task A_client_is_told_that_a_turn_whose_log_alone_is_lost_is_failed()
    {
        var (key, turnId, feed, frames) = await JoinAsync();
        await AnswerAsync(key, turnId, 1, feed, "lost ");
        await gateway.Redis.KeyDeleteAsync(RedisKeys.Log(key.ConversationId, turnId, 1));

        await feed.CompareAsync(Assert.Single(feed.Turns()));
        await gateway.IdleAsync();

        Assert.Equal(("done", "", "failed"), (frames.All[^1].Type, frames.All[^1].Text, frames.All[^1].Reason));
        Assert.Equal(("failed", ""), await StoredAsync(key, turnId));
    }

    /// <summary>The text of the attempt before, which nobody finished, was stored in its place.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task An_empty_answer_is_completed(int attempt)
    {
        var key = NewConversation();
        var turnId = await gateway.LeaveBehindAsync(key);
        if (attempt > 1)
        {
            var abandoned = KeyOf(key, turnId, 1);
            await gateway.Log.OpenAsync(abandoned, "claim");
            await gateway.Log.AppendAsync(abandoned, "claim", 1, [StreamEvent.Chunk("abandoned ", turnId, 1, 1)], 1_000);
        }

        await AnswerAsync(key, turnId, attempt, feed: null);
        await gateway.Sweeper.SweepAsync(Cancellation);

        Assert.Equal(("completed", ""), await StoredAsync(key, turnId));
    }

    /// <summary>An end whose text must be read from the log.</summary>
    private static byte[] DoneWithoutText(Guid turnId) =>
        Encoding.UTF8.GetBytes($$"""{"type":"done","turn_id":"{{turnId}}","attempt":1,"seq":2,"reason":"completed"}""");

    private static ConversationKey NewConversation() => new(Guid.NewGuid(), Guid.NewGuid());

    private AttemptKey KeyOf(ConversationKey key, Guid turnId, int attempt) => new(key.ConversationId, turnId, attempt, gateway.Feeds.ChannelOf(key));

    /// <summary>An attempt that a worker opens, writes and finishes. The feed hears its chunks and not its end.</summary>
    private async Task AnswerAsync(ConversationKey key, Guid turnId, int attempt, ConversationFeed? feed, params string[] tokens)
    {
        var log = KeyOf(key, turnId, attempt);
        Assert.Equal(LogWrite.Written, await gateway.Log.OpenAsync(log, "claim"));
        var chunks = tokens.Select((token, i) => StreamEvent.Chunk(token, turnId, attempt, i + 1)).ToArray();
        Assert.Equal(LogWrite.Written, await gateway.Log.AppendAsync(log, "claim", 1, chunks, 1_000));
        Assert.Equal(LogWrite.Written, await gateway.Log.FinishAsync(log, "claim", chunks.Length + 1, TurnOutcome.Completed, string.Concat(tokens)));
        foreach (var chunk in chunks)
        {
            feed?.OnPayload(chunk);
        }
    }

    private Task<long> LoseAsync(ConversationKey key, Guid turnId) =>
        gateway.Redis.KeyDeleteAsync([RedisKeys.Turn(key.ConversationId, turnId), RedisKeys.Log(key.ConversationId, turnId, 1)]);

    /// <summary>A turn that was accepted, and a tab that follows its conversation and has looked for running turns.</summary>
    private async Task<(ConversationKey Key, Guid TurnId, ConversationFeed Feed, KeptFrames Frames)> JoinAsync()
    {
        var joined = await gateway.JoinAsync();
        await gateway.IdleAsync();
        return joined;
    }

    private async Task<TurnRow> FindAsync(ConversationKey key, Guid turnId) => (await gateway.Store.FindTurnAsync(key, turnId, Cancellation))!;

    private async Task<(string Status, string Text)> StoredAsync(ConversationKey key, Guid turnId)
    {
        var row = await FindAsync(key, turnId);
        return (row.Status, Encoding.UTF8.GetString(row.Content.Span));
    }
}
