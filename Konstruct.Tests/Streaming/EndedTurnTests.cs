using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Streaming;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Streaming;

/// <summary>
/// A turn has ended, Redis has lost the end, and a worker streams an attempt while a client resumes the turn. The client got chunks of that attempt,
/// without a reset, and then the stored end.
/// </summary>
public sealed class EndedTurnTests(GatewayInside gateway) : IClassFixture<GatewayInside>
{
    /// <summary>The attempt was still in the queue, and a worker opens it in this moment.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public Task A_resume_gets_the_stored_end_alone(int attempt) => ResumeAsync(attempt, other: 1, isOpenBefore: false);

    /// <summary>The sweep had given out another attempt, and it was open when the client repeated its message.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public Task A_resume_gets_nothing_of_an_attempt_after_the_stored_one(int attempt) => ResumeAsync(attempt, other: 2, isOpenBefore: true);

    private async Task ResumeAsync(int attempt, int other, bool isOpenBefore)
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var (row, _) = await gateway.Store.PersistAsync(key, turnId, TurnOutcome.Completed, 1, "stored"u8.ToArray(), CancellationToken.None);
        var feed = gateway.Feed(key);
        var (subscriber, frames) = GatewayInside.NewSubscriber(key);
        feed.Subscribers.Add(subscriber);
        feed.Subscribers.Join(subscriber, [], []);
        var before = await StoredTurn.ReadAsync(gateway.Log, row!);
        var log = new AttemptKey(key.ConversationId, turnId, other, gateway.Feeds.ChannelOf(key));
        Assert.Equal(LogWrite.Written, await gateway.Log.OpenAsync(log, "claim"));
        Assert.Equal(LogWrite.Written, await gateway.Log.AppendAsync(log, "claim", 1, [StreamEvent.Chunk("other", turnId, other, 1)], 1_000));
        var known = isOpenBefore ? await StoredTurn.ReadAsync(gateway.Log, row!) : before;

        feed.Subscribers.Resume(subscriber, known, attempt, after: 0);
        await gateway.IdleAsync();

        await Until.TrueAsync(() => Task.FromResult(frames.All.Count > 0 && frames.All[^1].Type == "done"));
        Assert.Equal(["ready", "done"], frames.All.Select(frame => frame.Type));
        Assert.Equal("stored", frames.All[^1].Text);
        Assert.Empty(feed.Turns());
    }
}
