using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Storage;
using Konstruct.ServiceDefaults.Loops;
using Konstruct.ServiceDefaults.Stores;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Konstruct.Gateway.Streaming;

/// <summary>Subscribes feeds to their response channels, and passes them the payloads.</summary>
internal sealed partial class FeedSubscription(
    IConnectionMultiplexer redis,
    Failures failures,
    IOptions<ChatOptions> options,
    ILogger<FeedSubscription> logger
)
{
    /// <summary>Maximum number of payloads handled before their frames are sent: about 0.1 ms of work, as long as two or three sends.</summary>
    private const int MostTogether = 256;

    /// <summary>Maximum number of feeds that run before other work: some 10 µs with one token each, 2 ms with a burst each.</summary>
    private const int MostInARow = 16;

    /// <summary>
    /// Scheduler on which feeds handle payloads. One packet from Redis can hold payloads of hundreds of feeds. In the thread
    /// pool's queue, each step of other work (reading messages, replies of stores) would wait behind all of them.
    /// </summary>
    private readonly ConcurrentExclusiveSchedulerPair _hearing = new(TaskScheduler.Default, Environment.ProcessorCount, MostInARow);

    private readonly ResponseChannel _channel = new(options.Value.ResponseChannel);

    /// <summary>Response channel of a conversation.</summary>
    public RedisChannel ChannelOf(ConversationKey key) => _channel.For(key.TenantId, key.ConversationId);

    /// <summary>Subscribes a feed.</summary>
    /// <exception cref="RedisException">Redis cannot be reached. Likewise <see cref="TimeoutException"/>.</exception>
    public async Task SubscribeAsync(ConversationFeed feed)
    {
        var channel = ChannelOf(feed.Key);
        var subscriber = redis.GetSubscriber();

        // A message queue keeps the order; a direct handler does not.
        var queue = await subscriber.SubscribeAsync(channel);
        _ = Task.Factory.StartNew(() => HearAsync(feed, queue), CancellationToken.None, TaskCreationOptions.None, _hearing.ConcurrentScheduler);
        if (!subscriber.IsConnected(channel))
        {
            throw new RedisConnectionException(ConnectionFailureType.UnableToConnect, CommandFlags.None, "Not subscribed: Redis cannot be reached.");
        }
    }

    /// <summary>
    /// Unsubscribes a feed by its channel, even if subscribing failed: the client keeps a failed subscription and restores it when it connects.
    /// </summary>
    public async Task UnsubscribeAsync(ConversationFeed feed)
    {
        try
        {
            await redis.GetSubscriber().UnsubscribeAsync(ChannelOf(feed.Key));
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            Log.NotUnsubscribed(logger, exception.Message); // The queue is closed anyway; a reconnect does not resubscribe it.
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
            failures.Report("taking a payload", exception);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(311, LogLevel.Debug, "Redis could not be told to unsubscribe a channel: {Reason}")]
        public static partial void NotUnsubscribed(ILogger logger, string reason);
    }
}
