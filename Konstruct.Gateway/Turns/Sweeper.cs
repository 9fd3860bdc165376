using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Telemetry;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Conversations;
using Konstruct.Gateway.Telemetry;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Turns;

/// <summary>
/// The one path of repair. Every gateway looks at what is pending in Postgres and nowhere in Redis: a crash anywhere, a lost lease and a flushed Redis
/// all look the same from here. Postgres gives out the next attempt, so that of several gateways one dispatches it.
/// </summary>
internal sealed partial class Sweeper(
    PendingTurns pending, ConversationStore store, ConversationFeeds feeds, TurnLog log, DispatchQueue queue, TurnFinisher finisher, GatewayMetrics metrics,
    Readiness readiness, Stopping stopping, TimeProvider time, IOptions<ChatOptions> options, ILogger<Sweeper> logger) : BackgroundService
{
    private const int PageSize = 500;

    private readonly ChatOptions _options = options.Value;
    private HashSet<string> _missing = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await readiness.WhenStarted.WaitAsync(stoppingToken);

        // Replicas that were started together must not sweep together.
        var shift = _options.SweepInterval * (Random.Shared.NextDouble() / 4);
        using var timer = new PeriodicTimer(_options.SweepInterval + shift, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await SweepAsync(stoppingToken);
            }
            catch (Exception exception) when (exception.IsOutage())
            {
                metrics.QueueMeasured(null);
                Log.Skipped(logger, exception.Message);
            }
        }
    }

    /// <summary>One round. Throws when a store is down: the next round does it.</summary>
    internal async Task SweepAsync(CancellationToken cancellationToken)
    {
        var missing = new HashSet<string>();
        PendingTurn? last = null;
        while (true)
        {
            var page = await pending.ReadAsync(_options.SweepAge, last, PageSize, cancellationToken);
            if (page.Count > 0)
            {
                var states = await queue.InspectAsync([.. page.Select(turn => RedisKeys.Entry(turn.TurnId, turn.Attempt))]);
                foreach (var (turn, state) in page.Zip(states))
                {
                    if (state != DispatchState.Missing || IsMissing(turn, missing))
                    {
                        await RepairAsync(turn, state, cancellationToken);
                    }
                }
            }

            if (page.Count < PageSize || stopping.IsDraining)
            {
                break;
            }

            last = page[^1];
        }

        _missing = missing;
        await TidyAsync(cancellationToken);
        if (metrics.IsQueueWanted)
        {
            metrics.QueueMeasured(await queue.MeasureAsync());
        }
    }

    /// <summary>
    /// A later attempt counts as missing in the second round in which it is: in the first, the gateway that gave it out may be on its way to the queue.
    /// </summary>
    private bool IsMissing(PendingTurn turn, HashSet<string> missing)
    {
        var entry = RedisKeys.Entry(turn.TurnId, turn.Attempt);
        missing.Add(entry);
        return turn.Attempt == 1 || _missing.Contains(entry);
    }

    /// <summary>Forgets entries of turns that have ended: their gateway, or their worker, died or lost Redis before it could.</summary>
    private async Task TidyAsync(CancellationToken cancellationToken)
    {
        foreach (var (entry, payload) in await queue.StaleAsync(_options.SweepAge, PageSize))
        {
            var task = KonstructMessage.Parse(entry, payload.Span);
            if (await store.FindTurnAsync(task.TenantId, task.ConversationId, task.TurnId, cancellationToken) is null or { IsEnded: true })
            {
                await queue.SettleAsync(entry);
            }
        }
    }

    private async Task RepairAsync(PendingTurn turn, DispatchState where, CancellationToken cancellationToken)
    {
        // A turn that waits or runs is looked at only when it could be overdue.
        var mayBeOverdue = turn.Age > _options.TurnSilenceLimit;
        if (where is DispatchState.Waiting or DispatchState.Held && !mayBeOverdue)
        {
            return;
        }

        var state = await log.ReadStateAsync(turn.ConversationId, turn.TurnId);
        if (state.Outcome is { } outcome)
        {
            await FinishAsync(turn, outcome, state.Attempt, state.Traceparent);
        }
        else if (IsOverdue(turn, state))
        {
            using (ScopeOf(turn))
            {
                Log.Overdue(logger, turn.TurnId);
            }

            await FailAsync(turn);
        }
        else if (where is DispatchState.Missing or DispatchState.Answered)
        {
            await RedispatchAsync(turn, cancellationToken);
        }
    }

    private bool IsOverdue(PendingTurn turn, TurnState state)
    {
        var silence = state.LastSign is { } sign ? time.GetUtcNow() - sign : turn.Age;
        return turn.Age > _options.TurnLimit + _options.SweepAge
            || (turn.Age > _options.TurnSilenceLimit + _options.SweepAge && silence > _options.TurnSilenceLimit + _options.SweepAge);
    }

    private async Task RedispatchAsync(PendingTurn turn, CancellationToken cancellationToken)
    {
        if (turn.Attempt >= _options.MaxAttempts)
        {
            using (ScopeOf(turn))
            {
                Log.OutOfAttempts(logger, turn.TurnId, turn.Attempt);
            }

            await FailAsync(turn);
            return;
        }

        if (await store.NextAttemptAsync(turn.TenantId, turn.TurnId, turn.Attempt, cancellationToken) is not { } task)
        {
            return; // Another gateway was faster, or the turn has just ended.
        }

        var message = KonstructMessage.Parse(task) with { Attempt = turn.Attempt + 1 };
        using var span = GatewayTelemetry.StartDispatch(TraceParent.Parse(message.Traceparent), message.TurnId, message.Attempt);
        using var scope = ScopeOf(turn);
        Log.Redispatching(logger, turn.TurnId, message.Attempt);
        await queue.EnqueueAsync(span?.Id is { } parent ? message with { Traceparent = parent } : message);
        metrics.Redelivered();
    }

    private IDisposable? ScopeOf(PendingTurn turn) => logger.BeginTurn(turn.TenantId, turn.ConversationId, turn.TurnId);

    private async Task FailAsync(PendingTurn turn)
    {
        var channel = feeds.ChannelOf(new(turn.TenantId, turn.ConversationId));
        await log.EndAsync(new(turn.ConversationId, turn.TurnId, turn.Attempt, channel), TurnOutcome.Failed);
        var state = await log.ReadStateAsync(turn.ConversationId, turn.TurnId);
        await FinishAsync(turn, state.Outcome ?? TurnOutcome.Failed, Math.Max(state.Attempt, turn.Attempt), state.Traceparent);
    }

    /// <summary>The sockets of the turn, wherever they are, hear of it from their own gateway: it got the same end on the channel.</summary>
    private async Task FinishAsync(PendingTurn turn, string outcome, int attempt, string? traceparent) =>
        await finisher.FinishAsync(new(turn.TenantId, turn.ConversationId, turn.TurnId, outcome, attempt, Text: null), TraceParent.Parse(traceparent));

    private static partial class Log
    {
        [LoggerMessage(330, LogLevel.Warning, "A sweep was skipped, a store is down: {Reason}")]
        public static partial void Skipped(ILogger logger, string reason);

        [LoggerMessage(331, LogLevel.Warning, "Turn {TurnId} was lost by its worker or by Redis: dispatching attempt {Attempt}")]
        public static partial void Redispatching(ILogger logger, Guid turnId, int attempt);

        [LoggerMessage(332, LogLevel.Warning, "Turn {TurnId} is failed: attempt {Attempt} was the last")]
        public static partial void OutOfAttempts(ILogger logger, Guid turnId, int attempt);

        [LoggerMessage(333, LogLevel.Warning, "Turn {TurnId} is failed: nobody answered in time")]
        public static partial void Overdue(ILogger logger, Guid turnId);
    }
}
