using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Telemetry;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Hosting;
using Konstruct.Gateway.Streaming;
using Konstruct.Gateway.Telemetry;
using Konstruct.ServiceDefaults.Loops;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Turns.Repair;

/// <summary>
/// Checks all turns of this gateway once a second, with one timer. Fails those whose deadline has passed, and reads
/// the state of those whose channel was silent, because payloads may have been missed.
/// </summary>
internal sealed partial class TurnWatch(
    ConversationFeeds feeds,
    TurnLog log,
    TurnPersister persister,
    ITurnDispatcher dispatcher,
    BackgroundTasks tasks,
    Persistence persistence,
    Failures failures,
    IOptions<ChatOptions> options,
    ILogger<TurnWatch> logger
) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>A turn is checked after this time of silence, and again at this interval.</summary>
    private static readonly TimeSpan SilenceBeforeCheck = TimeSpan.FromSeconds(5);

    private readonly TurnLimits _limits = new(options.Value.TurnSilenceLimit, options.Value.TurnLimit, SilenceBeforeCheck);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        persistence.LoopAsync("the watch over turns", Interval, Interval, 5 * Interval, _ => LookAtAllAsync(), stoppingToken);

    private Task LookAtAllAsync()
    {
        foreach (var feed in feeds.All())
        {
            foreach (var turn in feed.Turns())
            {
                failures.Try("watching a turn", () => Look(feed, turn));
            }
        }

        return Task.CompletedTask;
    }

    private void Look(ConversationFeed feed, Turn turn)
    {
        switch (feed.NeedOf(turn, _limits))
        {
            case TurnNeed.End:
                using (logger.BeginTurn(feed.Key.TenantId, feed.Key.ConversationId, turn.TurnId))
                {
                    Log.Overdue(logger, turn.TurnId);
                }

                tasks.Run("failing an overdue turn", () => FailAsync(feed, turn));
                break;
            case TurnNeed.Check:
                tasks.Run("checking a silent turn", () => feeds.CompareAsync(feed, turn));
                break;
        }
    }

    /// <summary>
    /// Fails a turn. The end arrives on the channel like any other. Without Redis, Postgres alone decides, and late chunks find no turn.
    /// </summary>
    private async Task FailAsync(ConversationFeed feed, Turn turn)
    {
        var (key, attempt, trace) = (feed.Key, feed.AttemptOf(turn), feed.TraceOf(turn.TurnId));
        using var span = GatewayTelemetry.StartChild("turn.expire", trace)?.SetTurn(turn.TurnId);
        try
        {
            await log.FailAsync(new(key.ConversationId, turn.TurnId, Math.Max(attempt, 1), feeds.ChannelOf(key)));
            await dispatcher.WithdrawAsync(key, turn.TurnId);
        }
#pragma warning disable CA1031 // Row boundary: sockets get an end whatever failed in Redis.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            using (logger.BeginTurn(key.TenantId, key.ConversationId, turn.TurnId))
            {
                Log.NotEnded(logger, turn.TurnId, exception.Message);
            }

            var end = new TurnEnd(key, turn.TurnId, TurnOutcome.Failed, attempt, Text: ReadOnlyMemory<byte>.Empty);
            feed.OnPersisted(turn, await persister.PersistAsync(end, trace, turn.Activity));
            return;
        }

        if (!await feeds.CompareAsync(feed, turn))
        {
            feed.WatchAgain(turn); // The channel may not deliver the end, so the next look retries.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(340, LogLevel.Warning, "Turn {TurnId} is failed: nobody answered in time")]
        public static partial void Overdue(ILogger logger, Guid turnId);

        [LoggerMessage(341, LogLevel.Warning, "Turn {TurnId} is failed in Postgres alone, Redis did not end it: {Reason}")]
        public static partial void NotEnded(ILogger logger, Guid turnId, string reason);
    }
}
