using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Telemetry;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Telemetry;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Turns;

/// <summary>
/// Looks, once a second, at the turns of this gateway: one timer for all of them. Ends those whose deadline has passed, and asks Redis about those
/// whose channel has been silent, in case it was the channel's fault.
/// </summary>
internal sealed partial class TurnWatch(
    ConversationFeeds feeds, TurnLog log, TurnFinisher finisher, OwnedTasks tasks, TimeProvider time, IOptions<ChatOptions> options, ILogger<TurnWatch> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>A channel that is silent for this long is checked, and again after as long.</summary>
    private static readonly TimeSpan SilenceBeforeCheck = TimeSpan.FromSeconds(5);

    private readonly ChatOptions _options = options.Value;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (var feed in feeds.All())
            {
                foreach (var turn in feed.Turns())
                {
                    Look(feed, turn);
                }
            }
        }
    }

    private void Look(ConversationFeed feed, Turn turn)
    {
        if (turn.IsEnding || turn.IsOverdue)
        {
            return;
        }

        var silence = time.GetElapsedTime(turn.LastSignAt);
        if (turn.IsOwned && (silence >= _options.TurnSilenceLimit || time.GetElapsedTime(turn.BeganAt) >= _options.TurnLimit))
        {
            turn.IsOverdue = true;
            using (logger.BeginTurn(feed.Key.TenantId, feed.Key.ConversationId, turn.TurnId))
            {
                Log.Overdue(logger, turn.TurnId);
            }

            tasks.Run("failing an overdue turn", () => FailAsync(feed, turn));
        }
        else if (silence >= SilenceBeforeCheck && time.GetElapsedTime(turn.LastCheckedAt) >= SilenceBeforeCheck)
        {
            turn.LastCheckedAt = time.GetTimestamp();
            tasks.Run("checking a silent turn", () => feeds.ResyncAsync(feed, turn));
        }
    }

    /// <summary>The end comes back on the channel like any other; without Redis Postgres alone decides, and late chunks find no turn.</summary>
    private async Task FailAsync(ConversationFeed feed, Turn turn)
    {
        var key = feed.Key;
        using var span = GatewayTelemetry.StartChild("turn.expire", turn.Trace)?.SetTurn(turn.TurnId);
        try
        {
            await log.EndAsync(new(key.ConversationId, turn.TurnId, Math.Max(turn.Attempt, 1), feeds.ChannelOf(key)), TurnOutcome.Failed);
            await feed.ResyncAsync(turn);
        }
        catch (Exception exception) when (exception.IsRedisOutage())
        {
            using (logger.BeginTurn(key.TenantId, key.ConversationId, turn.TurnId))
            {
                Log.NotEnded(logger, turn.TurnId, exception.Message);
            }

            var ending = new TurnEnding(key.TenantId, key.ConversationId, turn.TurnId, TurnOutcome.Failed, turn.Attempt, Text: ReadOnlyMemory<byte>.Empty);
            feed.OnFinished(turn, await finisher.FinishAsync(ending, turn.Trace, turn.Activity));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(340, LogLevel.Warning, "Turn {TurnId} is failed: nobody answered in time")]
        public static partial void Overdue(ILogger logger, Guid turnId);

        [LoggerMessage(341, LogLevel.Warning, "Turn {TurnId} is failed in Postgres alone, Redis cannot be reached: {Reason}")]
        public static partial void NotEnded(ILogger logger, Guid turnId, string reason);
    }
}
