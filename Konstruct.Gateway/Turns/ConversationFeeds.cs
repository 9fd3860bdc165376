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
/// The feeds in use. One is opened by the first who wants it and closed after the last; while it closes, a newcomer waits and opens another, so that
/// nobody is left with a feed that has just stopped listening.
/// </summary>
internal sealed partial class ConversationFeeds
{
    /// <summary>
    /// The Redis client may subscribe again, on a renewed connection, to what was unsubscribed while it renewed it. Feeds that closed this long before are
    /// looked after, and after this long it has done.
    /// </summary>
    private static readonly TimeSpan BeforeRenewal = TimeSpan.FromSeconds(10), AfterRenewal = TimeSpan.FromSeconds(2);

    /// <summary>Payloads that are taken before what they have for sockets is sent: a tenth of a millisecond's worth, two or three sends.</summary>
    private const int MostTogether = 256;

    /// <summary>Feeds that take payloads before whatever else has come is served: some hundredths of a millisecond's worth with a token each, two milliseconds' with a burst each.</summary>
    private const int MostInARow = 16;

    private readonly Lock _gate = new();

    /// <summary>
    /// Where feeds take their payloads. What Redis sends at once is for hundreds of them, and each would stand in the pool's queue: a message to be read, a reply to whoever stores or
    /// dispatches one, all that comes meanwhile would wait behind chunks, once for each step.
    /// </summary>
    private readonly ConcurrentExclusiveSchedulerPair _hearing = new(TaskScheduler.Default, Environment.ProcessorCount, MostInARow);

    private readonly Dictionary<FeedKey, ConversationFeed> _feeds = [];
    private readonly Queue<(FeedKey Key, long At)> _closed = []; // In the last seconds.
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

    /// <summary>The channel of a conversation.</summary>
    public RedisChannel ChannelOf(FeedKey key) => _channel.For(key.TenantId, key.ConversationId);

    /// <summary>The trace of a turn; default: it is not known here.</summary>
    public ActivityContext TraceOf(FeedKey key, Guid turnId)
    {
        ConversationFeed? feed;
        lock (_gate)
        {
            feed = _feeds.GetValueOrDefault(key);
        }

        return feed?.TraceOf(turnId) ?? default; // Outside: a feed holds its own gate when it gives itself back here.
    }

    /// <summary>All of them, for looking at.</summary>
    public ConversationFeed[] All()
    {
        lock (_gate)
        {
            return [.. _feeds.Values];
        }
    }

    /// <summary>A feed that is listening. Whoever gets it calls <see cref="Release"/> once.</summary>
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

    /// <summary>Gives a feed back.</summary>
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

    /// <summary>The connection was lost: looks for turns that began meanwhile, and compares every turn with what Redis has.</summary>
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

    /// <summary>Likewise one turn. False: it failed, and is tried again while the turn's channel is silent.</summary>
    public Task<bool> ResyncAsync(ConversationFeed feed, Turn turn) =>
        _services.Failures.TryAsync("comparing a turn with the stores", () => feed.ResyncAsync(turn));

    /// <summary>
    /// A feed that is opened and closed is subscribed and unsubscribed on the new connection; one that is in use stays. A connection that is lost again
    /// meanwhile is waited for: it may be renewed without another word.
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
            // A queue of messages keeps their order; a handler that is called directly would not.
            var queue = await subscriber.SubscribeAsync(channel);
            _ = Task.Factory.StartNew(() => HearAsync(feed, queue), CancellationToken.None, TaskCreationOptions.None, _hearing.ConcurrentScheduler); // Until it is unsubscribed.
            if (!subscriber.IsConnected(channel))
            {
                throw new RedisConnectionException(ConnectionFailureType.UnableToConnect, CommandFlags.None, "Not subscribed: Redis cannot be reached.");
            }

            opened.SetResult();
        }
        catch (Exception exception)
        {
            opened.SetException(exception); // Whoever waits for the feed is told in any case.
            if (!exception.IsOutage())
            {
                throw;
            }
        }
    }

    /// <summary>Hands a feed what comes. What has come together is handed over as such, so that it can be sent together.</summary>
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

    /// <summary>The channel's boundary: a bug in one payload is reported, and the next one is heard. Not by a delegate: this runs for every chunk.</summary>
    private void Take(ConversationFeed feed, ChannelMessage message, bool moreFollow)
    {
        try
        {
            feed.OnPayload(message.Message, moreFollow);
        }
#pragma warning disable CA1031 // As the summary says.
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
            // By the channel, also where subscribing failed: the client keeps what it could not subscribe to, and does so as soon as it is connected.
            await _redis.GetSubscriber().UnsubscribeAsync(ChannelOf(feed.Key));
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            Log.NotUnsubscribed(_logger, exception.Message); // The queue is closed all the same; a later connection does not subscribe again.
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
