using System.Diagnostics;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Conversations;
using Konstruct.Gateway.Telemetry;
using Konstruct.ServiceDefaults.Loops;
using Konstruct.ServiceDefaults.Stores;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Konstruct.Gateway.Turns;

/// <summary>
/// Registry of the feeds in use. The first user opens a feed, and the last one closes it. A caller that arrives while a
/// feed closes waits and opens a new one, so no caller holds a feed that has stopped listening.
/// </summary>
internal sealed partial class ConversationFeeds
{
    /// <summary>
    /// A reconnect can revive subscriptions that were just removed. Feeds closed within <c>BeforeRenewal</c> are
    /// unsubscribed again, <c>AfterRenewal</c> after the reconnect, when the Redis client has resubscribed.
    /// </summary>
    private static readonly TimeSpan BeforeRenewal = TimeSpan.FromSeconds(10), AfterRenewal = TimeSpan.FromSeconds(2);

    /// <summary>Maximum number of payloads handled before their frames are sent: about 0.1 ms of work, as long as two or three sends.</summary>
    private const int MostTogether = 256;

    /// <summary>Maximum number of feeds that run before other work: some 10 µs with one token each, 2 ms with a burst each.</summary>
    private const int MostInARow = 16;

    private readonly Lock _gate = new();

    /// <summary>
    /// Scheduler on which feeds handle payloads. One packet from Redis can hold payloads of hundreds of feeds. In the thread
    /// pool's queue, each step of other work (reading messages, replies of stores) would wait behind all of them.
    /// </summary>
    private readonly ConcurrentExclusiveSchedulerPair _hearing = new(TaskScheduler.Default, Environment.ProcessorCount, MostInARow);

    private readonly Dictionary<FeedKey, ConversationFeed> _feeds = [];
    private readonly Queue<(FeedKey Key, long At)> _closed = []; // Closed within the last seconds.
    private readonly IConnectionMultiplexer _redis;
    private readonly ResponseChannel _channel;
    private readonly TurnServices _services;
    private readonly Stopping _stopping;
    private readonly ILogger _logger;

    public ConversationFeeds(
        IConnectionMultiplexer redis, ConversationStore store, TurnLog log, TurnFinisher finisher, OwnedTasks tasks, Stopping stopping, GatewayMetrics metrics,
        Failures failures, TimeProvider time, IOptions<ChatOptions> options, ILogger<ConversationFeeds> logger)
    {
        (_redis, _stopping) = (redis, stopping);
        _channel = new(options.Value.ResponseChannel);
        _services = new(store, log, finisher, tasks, failures, metrics, time, Release);
        _logger = logger;
        metrics.ObserveTurns(() => All().Aggregate(default(TurnCounts), (counts, feed) => feed.Count(counts)));
        redis.ConnectionRestored += (_, restored) =>
        {
            if (restored.ConnectionType == ConnectionType.Subscription)
            {
                tasks.Run("re-reading turns after a lost connection", ResyncAllAsync);
                tasks.Run("unsubscribing again after a lost connection", UnsubscribeAgainAsync);
            }
        };
    }

    /// <summary>Response channel of a conversation.</summary>
    public RedisChannel ChannelOf(FeedKey key) => _channel.For(key.TenantId, key.ConversationId);

    /// <summary>Trace of a turn; default: unknown here.</summary>
    public ActivityContext TraceOf(FeedKey key, Guid turnId)
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
    public async Task<ConversationFeed> AcquireAsync(FeedKey key, CancellationToken cancellationToken)
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
    public async Task ResyncAllAsync()
    {
        foreach (var feed in All())
        {
            await _services.Failures.TryAsync("following turns after a lost connection", feed.FollowWhatBeganAsync);
            foreach (var turn in feed.Turns())
            {
                await ResyncAsync(feed, turn);
            }
        }
    }

    /// <summary>Compares one turn with Redis. False: it failed; the watch retries while the turn's channel is silent.</summary>
    public Task<bool> ResyncAsync(ConversationFeed feed, Turn turn) =>
        _services.Failures.TryAsync("comparing a turn with the stores", () => feed.ResyncAsync(turn));

    /// <summary>
    /// Opens and closes the feeds that closed recently, which subscribes and unsubscribes them on the new connection. A feed in
    /// use stays open. A connection that is lost again is waited for, because it can be restored without another event.
    /// </summary>
    private async Task UnsubscribeAgainAsync()
    {
        await Task.Delay(AfterRenewal, _services.Time);
        Queue<FeedKey> keys;
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

    private ConversationFeed Open(FeedKey key)
    {
        var opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var feed = new ConversationFeed(key, _services) { Opening = opened.Task };
        _services.Tasks.Run("opening a feed", () => SubscribeAsync(feed, opened));
        return feed;
    }

    private async Task SubscribeAsync(ConversationFeed feed, TaskCompletionSource opened)
    {
        var channel = ChannelOf(feed.Key);
        var subscriber = _redis.GetSubscriber();
        try
        {
            // A message queue keeps the order; a direct handler does not.
            var queue = await subscriber.SubscribeAsync(channel);
            _ = Task.Factory.StartNew(() => HearAsync(feed, queue), CancellationToken.None, TaskCreationOptions.None, _hearing.ConcurrentScheduler);
            if (!subscriber.IsConnected(channel))
            {
                throw new RedisConnectionException(ConnectionFailureType.UnableToConnect, CommandFlags.None, "Not subscribed: Redis cannot be reached.");
            }

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

    /// <summary>Passes payloads to a feed. Those that have arrived together are marked as a batch, so that their frames are sent together.</summary>
    private async Task HearAsync(ConversationFeed feed, ChannelMessageQueue queue)
    {
        await foreach (var first in queue)
        {
            var message = first;
            for (var taken = 1; taken < MostTogether && queue.TryRead(out var next); taken++)
            {
                Take(feed, message, moreFollow: true);
                message = next;
            }

            Take(feed, message, moreFollow: false);
        }
    }

    /// <summary>
    /// Channel boundary: a bug in one payload is reported, and the next payload is handled. No delegate, because this runs for every chunk.
    /// </summary>
    private void Take(ConversationFeed feed, ChannelMessage message, bool moreFollow)
    {
        try
        {
            feed.OnPayload(message.Message, moreFollow);
        }
#pragma warning disable CA1031 // See the summary.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _services.Failures.Report("taking a payload", exception);
        }
    }

    private async Task CloseAsync(ConversationFeed feed, TaskCompletionSource closed)
    {
        try
        {
            await feed.Opening.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            // By channel, even if subscribing failed: the client keeps a failed subscription and restores it when it connects.
            await _redis.GetSubscriber().UnsubscribeAsync(ChannelOf(feed.Key));
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            Log.NotUnsubscribed(_logger, exception.Message); // The queue is closed anyway; a reconnect does not resubscribe it.
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

    private static partial class Log
    {
        [LoggerMessage(311, LogLevel.Debug, "Redis was not told that a channel is not wanted any more: {Reason}")]
        public static partial void NotUnsubscribed(ILogger logger, string reason);
    }
}
