using System.Diagnostics;
using Konstruct.Gateway.Hosting;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Telemetry;
using Konstruct.ServiceDefaults.Stores;
using StackExchange.Redis;

namespace Konstruct.Gateway.Streaming;

/// <summary>
/// Registry of the feeds in use. The first user opens a feed, and the last one closes it. A caller that arrives while a
/// feed closes waits and opens a new one, so no caller holds a feed that has stopped listening.
/// </summary>
internal sealed class ConversationFeeds
{
    /// <summary>
    /// A reconnect can revive subscriptions that were just removed. Feeds closed within <c>BeforeRenewal</c> are
    /// unsubscribed again, <c>AfterRenewal</c> after the reconnect, when the Redis client has resubscribed.
    /// </summary>
    private static readonly TimeSpan BeforeRenewal = TimeSpan.FromSeconds(10),
        AfterRenewal = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly Dictionary<ConversationKey, ConversationFeed> _feeds = [];
    private readonly Queue<(ConversationKey Key, long At)> _closed = []; // Closed within the last seconds.
    private readonly FeedSubscription _subscription;
    private readonly FeedServices _services;
    private readonly Stopping _stopping;

    public ConversationFeeds(IConnectionMultiplexer redis, FeedSubscription subscription, FeedServices services, Stopping stopping)
    {
        (_subscription, _services, _stopping) = (subscription, services, stopping);
        services.Metrics.ObserveTurns(() => All().Aggregate(default(TurnCounts), (counts, feed) => feed.Count(counts)));
        redis.ConnectionRestored += (_, restored) =>
        {
            if (restored.ConnectionType == ConnectionType.Subscription)
            {
                services.Tasks.Run("re-reading turns after a lost connection", CompareAllAsync);
                services.Tasks.Run("unsubscribing again after a lost connection", UnsubscribeAgainAsync);
            }
        };
    }

    /// <inheritdoc cref="FeedSubscription.ChannelOf"/>
    public RedisChannel ChannelOf(ConversationKey key) => _subscription.ChannelOf(key);

    /// <summary>Trace of a turn; default: unknown here.</summary>
    public ActivityContext TraceOf(ConversationKey key, Guid turnId)
    {
        ConversationFeed? feed;
        lock (_gate)
        {
            feed = _feeds.GetValueOrDefault(key);
        }

        return feed?.TraceOf(turnId) ?? default; // Outside the gate: feeds call Release under their own gate.
    }

    /// <summary>Snapshot of the open feeds.</summary>
    public ConversationFeed[] All()
    {
        lock (_gate)
        {
            return [.. _feeds.Values];
        }
    }

    /// <summary>Returns a feed that is listening. The caller must call <see cref="Release"/> once.</summary>
    /// <exception cref="RedisException">Redis cannot be reached. Likewise <see cref="TimeoutException"/>.</exception>
    public async Task<ConversationFeed> AcquireAsync(ConversationKey key, CancellationToken cancellationToken)
    {
        while (true)
        {
            ConversationFeed? feed;
            Task? closing;
            lock (_gate)
            {
                if (!_feeds.TryGetValue(key, out feed))
                {
                    feed = Open(key);
                    _feeds[key] = feed;
                }

                closing = feed.Closing;
                if (closing is null)
                {
                    feed.References++;
                }
            }

            if (closing is not null)
            {
                await closing.WaitAsync(cancellationToken);
                continue;
            }

            try
            {
                await feed.Opening.WaitAsync(cancellationToken);
                return feed;
            }
            catch
            {
                Release(feed);
                throw;
            }
        }
    }

    /// <summary>Releases a feed. The last release closes it.</summary>
    public void Release(ConversationFeed feed)
    {
        lock (_gate)
        {
            if (--feed.References == 0)
            {
                var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                feed.Closing = closed.Task;
                _services.Tasks.Run("closing a feed", () => CloseAsync(feed, closed));
            }
        }
    }

    /// <summary>Called after a lost connection. Finds turns that began meanwhile, and compares every turn with Redis.</summary>
    public async Task CompareAllAsync()
    {
        foreach (var feed in All())
        {
            await _services.Failures.TryAsync("following turns after a lost connection", feed.Subscribers.FollowWhatBeganAsync);
            foreach (var turn in feed.Turns())
            {
                await CompareAsync(feed, turn);
            }
        }
    }

    /// <summary>Compares one turn with Redis. False: it failed; the watch retries while the turn's channel is silent.</summary>
    public Task<bool> CompareAsync(ConversationFeed feed, Turn turn) =>
        _services.Failures.TryAsync("comparing a turn with the stores", () => feed.CompareAsync(turn));

    private ConversationFeed Open(ConversationKey key)
    {
        var opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var feed = new ConversationFeed(key, _services, Release) { Opening = opened.Task };
        _services.Tasks.Run("opening a feed", () => SubscribeAsync(feed, opened));
        return feed;
    }

    private async Task SubscribeAsync(ConversationFeed feed, TaskCompletionSource opened)
    {
        try
        {
            await _subscription.SubscribeAsync(feed);
            opened.SetResult();
        }
        catch (Exception exception)
        {
            opened.SetException(exception); // Callers that wait for the feed must always get an answer.
            if (!exception.IsOutage())
            {
                throw;
            }
        }
    }

    private async Task CloseAsync(ConversationFeed feed, TaskCompletionSource closed)
    {
        try
        {
            await feed.Opening.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            await _subscription.UnsubscribeAsync(feed);
        }
        finally
        {
            lock (_gate)
            {
                _feeds.Remove(feed.Key);
                _closed.Enqueue((feed.Key, _services.Time.GetTimestamp()));
                while (_services.Time.GetElapsedTime(_closed.Peek().At) > BeforeRenewal)
                {
                    _closed.Dequeue();
                }
            }

            closed.SetResult();
        }
    }

    /// <summary>
    /// Opens and closes the feeds that closed recently, which subscribes and unsubscribes them on the new connection. A feed in
    /// use stays open. A connection that is lost again is waited for, because it can be restored without another event.
    /// </summary>
    private async Task UnsubscribeAgainAsync()
    {
        await Task.Delay(AfterRenewal, _services.Time);
        Queue<ConversationKey> keys;
        lock (_gate)
        {
            keys = new(_closed.Select(closed => closed.Key).Distinct());
        }

        while (keys.TryPeek(out var key) && !_stopping.IsDraining)
        {
            try
            {
                Release(await AcquireAsync(key, CancellationToken.None));
                keys.Dequeue();
            }
            catch (Exception exception) when (exception.IsOutage())
            {
                await Task.Delay(AfterRenewal, _services.Time);
            }
        }
    }
}
