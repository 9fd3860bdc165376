using System.Text.Json;
using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Telemetry;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Streaming;
using Konstruct.Gateway.Telemetry;
using Konstruct.ServiceDefaults.Loops;
using Konstruct.ServiceDefaults.Stores;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Konstruct.Gateway.Turns.Repair;

/// <summary>Repairs one pending turn for the sweep: persists its end, dispatches its next attempt, or fails it.</summary>
internal sealed partial class TurnRepair(
    ConversationStore store,
    ConversationFeeds feeds,
    TurnLog log,
    ITurnDispatcher dispatcher,
    TurnPersister persister,
    GatewayMetrics metrics,
    Failures failures,
    TimeProvider time,
    IOptions<ChatOptions> options,
    ILogger<TurnRepair> logger
)
{
    private readonly ChatOptions _options = options.Value;
    private readonly RestingTurns _resting = new(time);
    private bool _mayDispatch = true;

    /// <summary>Begins a round of the sweep.</summary>
    public void BeginRound() => _mayDispatch = true;

    /// <summary>
    /// Repairs a turn. A failure is reported, and the turn is skipped for a pause. Throws only
    /// when a store is down, because then no turn can be repaired.
    /// </summary>
    public async Task TryRepairAsync(PendingTurn turn, DispatchState where, CancellationToken cancellationToken)
    {
        if (_resting.IsResting(turn.TurnId))
        {
            return;
        }

        var isRepaired = false;
        try
        {
            isRepaired = await failures.TryRowAsync("repairing a turn", () => RepairAsync(turn, where, cancellationToken), cancellationToken);
        }
        finally
        {
            // Also when the round is abandoned: the next round must not begin with a wait for the same turn.
            _resting.Note(turn.TurnId, isRepaired);
        }
    }

    private async Task RepairAsync(PendingTurn turn, DispatchState where, CancellationToken cancellationToken)
    {
        // A turn that is queued or leased is read only when it could be overdue.
        var mayBeOverdue = turn.Age > _options.TurnSilenceLimit;
        if (where is DispatchState.Waiting or DispatchState.Held && !mayBeOverdue)
        {
            return;
        }

        var state = await log.ReadStateAsync(turn.ConversationId, turn.TurnId);
        if (state.Outcome is { } outcome)
        {
            await PersistAsync(turn, outcome, state.Attempt, state.Traceparent, cancellationToken);
        }
        else if (IsOverdue(turn, state))
        {
            using (ScopeOf(turn))
            {
                Log.Overdue(logger, turn.TurnId);
            }

            await FailAsync(turn, cancellationToken);
        }
        else if (where is DispatchState.Missing or DispatchState.Answered && _mayDispatch && await dispatcher.MayRedispatchAsync(turn))
        {
            await RedispatchAsync(turn, cancellationToken);
        }
    }

    /// <summary>
    /// The age is measured by Postgres's clock, the silence by Redis's. The two are never compared with each other or with this machine's clock.
    /// </summary>
    private bool IsOverdue(PendingTurn turn, TurnState state)
    {
        var silence = state.Silence ?? turn.Age;
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

            await FailAsync(turn, cancellationToken);
            return;
        }

        if (await store.NextAttemptAsync(turn.Key, turn.TurnId, turn.Attempt, cancellationToken) is not { } task)
        {
            return; // Another gateway won, or the turn has just ended.
        }

        if (Read(task) is not { } readable)
        {
            Log.Unreadable(logger, turn.TurnId);
            await FailAsync(turn, cancellationToken); // No attempt can succeed.
            return;
        }

        var message = readable with { Attempt = turn.Attempt + 1 };
        using var span = GatewayTelemetry.StartDispatch(TraceParent.Parse(message.Traceparent), message.TurnId, message.Attempt);
        using var scope = ScopeOf(turn);
        try
        {
            if (
                !await dispatcher.DispatchAsync(
                    span?.Id is { } parent ? message with { Traceparent = parent } : message,
                    cancelMark: await CancelMarkAsync(turn, cancellationToken)
                )
            )
            {
                await log.CancelAsync(new(turn.ConversationId, turn.TurnId, message.Attempt, feeds.ChannelOf(turn.Key)));
                await PersistEndAsync(turn, TurnOutcome.Cancelled, cancellationToken);
                return;
            }
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            _mayDispatch = false; // Redis would refuse the rest too, at two Postgres writes each.
            throw;
        }

        Log.Redispatched(logger, turn.TurnId, message.Attempt);
        if (message.Attempt > 1)
        {
            metrics.Redelivered();
        }
    }

    /// <summary>
    /// Mark of an early cancel. The gateway that accepted the message may have died before it looked at the mark, which is kept for a minute.
    /// </summary>
    private async Task<RedisKey?> CancelMarkAsync(PendingTurn turn, CancellationToken cancellationToken) =>
        turn.Age < RedisKeys.CancelIsRemembered + _options.SweepAge
        && await store.FindMessageAsync(turn.Key, turn.TurnId, cancellationToken) is { } message
            ? RedisKeys.CancelledMessage(turn.TenantId, message.UserId, turn.ConversationId, message.MessageId)
            : (RedisKey?)null;

    private static KonstructMessage? Read(string task)
    {
        try
        {
            return KonstructMessage.Parse(task);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private IDisposable? ScopeOf(PendingTurn turn) => logger.BeginTurn(turn.TenantId, turn.ConversationId, turn.TurnId);

    private async Task FailAsync(PendingTurn turn, CancellationToken cancellationToken)
    {
        var channel = feeds.ChannelOf(turn.Key);
        await log.FailAsync(new(turn.ConversationId, turn.TurnId, Math.Max(turn.Attempt, 1), channel));
        await dispatcher.WithdrawAsync(turn.Key, turn.TurnId);
        await PersistEndAsync(turn, TurnOutcome.Failed, cancellationToken);
    }

    /// <summary>Persists the end that this gateway has just written, or the one that was there before.</summary>
    private async Task PersistEndAsync(PendingTurn turn, string outcome, CancellationToken cancellationToken)
    {
        var state = await log.ReadStateAsync(turn.ConversationId, turn.TurnId);
        await PersistAsync(turn, state.Outcome ?? outcome, Math.Max(state.Attempt, turn.Attempt), state.Traceparent, cancellationToken);
    }

    /// <summary>
    /// Persists an end without retries; the next round retries. The turn's sockets get it from
    /// their own gateways, which hear the same end on the channel.
    /// </summary>
    private async Task PersistAsync(PendingTurn turn, string outcome, int attempt, string? traceparent, CancellationToken cancellationToken) =>
        await persister.PersistOnceAsync(new(turn.Key, turn.TurnId, outcome, attempt, Text: null), TraceParent.Parse(traceparent), cancellationToken);

    private static partial class Log
    {
        [LoggerMessage(331, LogLevel.Warning, "Turn {TurnId} was lost by its worker or by Redis: attempt {Attempt} is dispatched")]
        public static partial void Redispatched(ILogger logger, Guid turnId, int attempt);

        [LoggerMessage(332, LogLevel.Warning, "Turn {TurnId} is failed: attempt {Attempt} was the last")]
        public static partial void OutOfAttempts(ILogger logger, Guid turnId, int attempt);

        [LoggerMessage(334, LogLevel.Error, "Turn {TurnId} is failed: its task payload in Postgres cannot be read")]
        public static partial void Unreadable(ILogger logger, Guid turnId);

        [LoggerMessage(333, LogLevel.Warning, "Turn {TurnId} is failed: nobody answered in time")]
        public static partial void Overdue(ILogger logger, Guid turnId);
    }
}
