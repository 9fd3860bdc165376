using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Hosting;
using Konstruct.Gateway.Storage;
using Konstruct.ServiceDefaults.Loops;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Konstruct.Gateway.Turns.Celery;

/// <summary>
/// Renews this gateway's listening leases, takes those that have ended, stands by for other gateways' turns, and hands its turns over when it stops.
/// </summary>
internal sealed partial class ListenerWatch(
    ListenedTurns turns,
    LegacyListener listener,
    ListeningLog log,
    CeleryBroker broker,
    IConnectionMultiplexer redis,
    BackgroundTasks tasks,
    Persistence persistence,
    Failures failures,
    TimeProvider time,
    IOptions<DispatchOptions> options,
    ILogger<ListenerWatch> logger
) : BackgroundService
{
    private const int MostTogether = 100;

    /// <summary>Maximum time for other gateways to stand by for the turns of one that stops. One that has just started may be slow.</summary>
    private static readonly TimeSpan HandOverLimit = TimeSpan.FromSeconds(10);

    private readonly TimeSpan _interval = options.Value.Celery.ListeningLease / 5;
    private volatile bool _isStopping;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _isStopping = true; // The gateway that takes over asks for a second one at once, and it must not be this one.
        await base.StopAsync(cancellationToken);
        var began = time.GetTimestamp();
        foreach (var some in turns.All().Where(turn => !turn.IsLate).Chunk(MostTogether))
        {
            await Task.WhenAll(
                some.Select(turn => failures.TryAsync("handing a legacy turn over", () => HandOverAsync(turn, began, cancellationToken)))
            );
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await persistence
            .Of("subscribing to turns that need a listener", _interval, 5 * _interval)
            .ExecuteAsync(async _ => await redis.GetSubscriber().SubscribeAsync(ListeningKeys.Listen, OnAsked), stoppingToken);
        await persistence.LoopAsync("the watch over legacy turns", _interval, _interval, 5 * _interval, _ => LookAtAllAsync(), stoppingToken);
    }

    private async Task LookAtAllAsync()
    {
        if (broker.IsConnected)
        {
            await failures.TryAsync("dating the Celery broker", broker.DateAsync);
        }

        foreach (var some in turns.All().Chunk(MostTogether))
        {
            await Task.WhenAll(some.Select(turn => failures.TryAsync("watching a legacy turn", () => LookAsync(turn))));
        }
    }

    private async Task LookAsync(ListenedTurn turn)
    {
        listener.Work(turn);
        if (!turn.IsLate)
        {
            await KeepSecondAsync(turn);
        }

        if (turn.Unsent is { } task && !turn.IsLate && broker.IsConnected)
        {
            await SendAgainAsync(turn, task);
        }
    }

    /// <summary>Sees to it that two gateways listen: this one stands by, or asks for another one, which may have started only now.</summary>
    private async Task KeepSecondAsync(ListenedTurn turn)
    {
        if (turn is { HasLease: false, HasSeenLog: true })
        {
            await log.StandByAsync(turn.Key, turn.TurnId);
        }

        if (turn.HasLease && !await log.HasStandbyAsync(turn.Key, turn.TurnId))
        {
            await log.EndStandByAsync(turn.Key, turn.TurnId); // It may have taken the lease while it told that it stands by.
            await listener.RecruitAsync(turn.Key, turn.TurnId);
        }
    }

    /// <summary>Puts a task on the queue whose first call failed, if it is known that it is not there.</summary>
    private async Task SendAgainAsync(ListenedTurn turn, UnsentTask task)
    {
        var sent = task.IsKnown ? Sent.No : await broker.WasSentAsync(turn.TurnId, task.Age + time.GetElapsedTime(turn.BeganAt));
        if (sent == Sent.No)
        {
            await broker.PublishAsync(turn.TurnId, task.Message);
            await listener.RecruitAsync(turn.Key, turn.TurnId);
        }

        turn.Unsent = null;
        if (sent == Sent.Unknown)
        {
            Log.Unknown(logger, turn.TurnId);
        }
    }

    private void OnAsked(RedisChannel channel, RedisValue asked)
    {
        if (
            !_isStopping
            && ((string?)asked)?.Split(':') is [var gateway, var tenant, var conversation, var id]
            && gateway != log.Gateway
            && Guid.TryParseExact(tenant, "N", out var tenantId)
            && Guid.TryParseExact(conversation, "N", out var conversationId)
            && Guid.TryParseExact(id, "N", out var turnId)
        )
        {
            tasks.Run("standing by for a legacy turn", () => StandByAsync(new(tenantId, conversationId), turnId));
        }
    }

    private async Task StandByAsync(ConversationKey key, Guid turnId)
    {
        if (turns.Find(key, turnId) is { } known)
        {
            listener.Work(known); // The gateway that had the lease may have given it up.
        }
        else if (
            await log.BeSecondAsync(key, turnId)
            && await listener.ListenAsync(key, turnId, next: 0, traceparent: null, () => log.HasPlaceAsync(key, turnId)) is { } turn
        )
        {
            listener.Work(turn); // It stands by as soon as it has seen the log.
        }
    }

    /// <summary>
    /// Gives up the lease when another gateway listens, so that nothing is lost between the two. Without another gateway the lease ends with this
    /// one. Stands by for no other gateway any more.
    /// </summary>
    private async Task HandOverAsync(ListenedTurn turn, long began, CancellationToken cancellationToken)
    {
        await log.EndStandByAsync(turn.Key, turn.TurnId); // The gateway that has the lease next may stop too, and must not rely on this one.
        if (!turn.HasLease)
        {
            turns.Remove(turn);
            return;
        }

        while (!await log.HasStandbyAsync(turn.Key, turn.TurnId))
        {
            if (await listener.RecruitAsync(turn.Key, turn.TurnId) <= 1 || time.GetElapsedTime(began) >= HandOverLimit)
            {
                Log.NotHandedOver(logger, turn.TurnId);
                break;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancellationToken);
        }

        await WriteAllAsync(turn, began, cancellationToken);
        turns.Remove(turn); // Nothing takes the lease again here.
        await log.ReleaseAsync(turn.Key, turn.TurnId);
        await listener.RecruitAsync(turn.Key, turn.TurnId);
    }

    /// <summary>Writes what was published before the other gateway listened: only this one has it.</summary>
    private async Task WriteAllAsync(ListenedTurn turn, long began, CancellationToken cancellationToken)
    {
        await redis.GetSubscriber().PingAsync(); // What was published before is heard then.
        while (turn is { HasWaiting: true, HasLease: true } && time.GetElapsedTime(began) < HandOverLimit)
        {
            listener.Work(turn);
            await Task.Delay(TimeSpan.FromMilliseconds(10), time, cancellationToken);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(
            364,
            LogLevel.Warning,
            "The Celery broker may have lost its data since turn {TurnId} was accepted, so its task is not sent again: it may have been sent"
        )]
        public static partial void Unknown(ILogger logger, Guid turnId);

        [LoggerMessage(
            367,
            LogLevel.Warning,
            "This gateway stops and no other one listens to turn {TurnId}: what is published until one does is lost to the stream"
        )]
        public static partial void NotHandedOver(ILogger logger, Guid turnId);
    }
}
