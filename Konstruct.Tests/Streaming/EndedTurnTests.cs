using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Streaming;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Streaming;

/// <summary>
/// A turn has ended, Redis has lost it, and a worker opens an attempt that was still in the queue while a client resumes the turn. The client got
/// chunks of that attempt, without a reset, and then the stored end.
/// </summary>
public sealed class EndedTurnTests(GatewayInside gateway) : IClassFixture<GatewayInside>
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_resume_gets_the_stored_end_alone(int attempt)
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var (row, _) = await gateway.Store.PersistAsync(key, turnId, TurnOutcome.Completed, 1, "stored"u8.ToArray(), CancellationToken.None);
        var feed = gateway.Feed(key);
        var (subscriber, frames) = GatewayInside.NewSubscriber(key);
        feed.Subscribers.Add(subscriber);
        feed.Subscribers.Join(subscriber, [], []);
        var known = await StoredTurn.ReadAsync(gateway.Log, row!);
        var log = new AttemptKey(key.ConversationId, turnId, 1, gateway.Feeds.ChannelOf(key));
        Assert.Equal(LogWrite.Written, await gateway.Log.OpenAsync(log, "claim"));
        Assert.Equal(LogWrite.Written, await gateway.Log.AppendAsync(log, "claim", 1, [StreamEvent.Chunk("other", turnId, 1, 1)], 1_000));

        feed.Subscribers.Resume(subscriber, known, attempt, after: 0);
        await gateway.IdleAsync();

        await Until.TrueAsync(() => Task.FromResult(frames.All.Count > 0 && frames.All[^1].Type == "done"));
        Assert.Equal(["ready", "done"], frames.All.Select(frame => frame.Type));
        Assert.Equal("stored", frames.All[^1].Text);
        Assert.Empty(feed.Turns());
    }

    /// <summary>The sweep had given out another attempt, because Redis had lost the end, and it was open when the client repeated its message.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_resume_gets_nothing_of_an_attempt_after_the_stored_one(int attempt)
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var (row, _) = await gateway.Store.PersistAsync(key, turnId, TurnOutcome.Completed, 1, "stored"u8.ToArray(), CancellationToken.None);
        var log = new AttemptKey(key.ConversationId, turnId, 2, gateway.Feeds.ChannelOf(key));
        Assert.Equal(LogWrite.Written, await gateway.Log.OpenAsync(log, "claim"));
        Assert.Equal(LogWrite.Written, await gateway.Log.AppendAsync(log, "claim", 1, [StreamEvent.Chunk("other", turnId, 2, 1)], 1_000));
        var feed = gateway.Feed(key);
        var (subscriber, frames) = GatewayInside.NewSubscriber(key);
        feed.Subscribers.Add(subscriber);
        feed.Subscribers.Join(subscriber, [], []);

        feed.Subscribers.Resume(subscriber, await StoredTurn.ReadAsync(gateway.Log, row!), attempt, after: 0);
        await gateway.IdleAsync();

        await Until.TrueAsync(() => Task.FromResult(frames.All.Count > 0 && frames.All[^1].Type == "done"));
        Assert.Equal(["ready", "done"], frames.All.Select(frame => frame.Type));
        Assert.Empty(feed.Turns());
    }
}
