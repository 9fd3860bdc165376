using System.Diagnostics;
using System.Text;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Telemetry;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Hosting;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Streaming;
using Konstruct.Gateway.Telemetry;
using Konstruct.ServiceDefaults.Loops;
using Polly;

namespace Konstruct.Gateway.Turns;

/// <summary>
/// Persists ends of turns. Several gateways may try at once. One deletes the turn's row and wins, and all send their clients what the row says.
/// </summary>
internal sealed partial class TurnPersister(
    ConversationStore store,
    TurnLog log,
    FeedSubscription subscription,
    Acknowledger acknowledger,
    BackgroundTasks tasks,
    GatewayMetrics metrics,
    Persistence persistence,
    Stopping stopping,
    ILogger<TurnPersister> logger
) : ITurnPersister
{
    /// <summary>Retries any error: sockets wait for this end, and no other gateway sends it to them.</summary>
    private readonly ResiliencePipeline _persistently = persistence.Of(
        "persisting an answer",
        TimeSpan.FromMilliseconds(100),
        TimeSpan.FromSeconds(4)
    );

    /// <summary>
    /// Persists, and retries until it succeeds or the gateway stops. Then another gateway's sweep takes over. A turn
    /// that Postgres does not have here is not acknowledged: it may belong to another tenant. Nor is one whose end Redis lost: it goes on.
    /// </summary>
    /// <param name="end">The end.</param>
    /// <param name="trace">The turn's trace; default: unknown here.</param>
    /// <param name="turn">The root span, if this gateway has it.</param>
    /// <exception cref="OperationCanceledException">The gateway stops.</exception>
    public async Task<PersistedTurn> PersistAsync(TurnEnd end, ActivityContext trace, Activity? turn = null)
    {
        using var scope = logger.BeginTurn(end.Key.TenantId, end.Key.ConversationId, end.TurnId);
        using var span = GatewayTelemetry.StartChild("turn.finalize", trace)?.SetTurn(end.TurnId);
        var persisted = await _persistently.ExecuteAsync(async cancellation => await TryPersistAsync(end, cancellation), stopping.Hard);
        if (persisted.Row is not { } row)
        {
            if (!persisted.IsLost)
            {
                Log.Unknown(logger, end.TurnId);
            }

            return persisted;
        }

        span?.SetTag("konstruct.turn.outcome", row.Status).SetTag("konstruct.turn.attempt", row.Attempt);
        turn?.SetTag("konstruct.turn.outcome", row.Status)
            .SetTag("konstruct.turn.attempt", row.Attempt)
            .SetStatus(row.Status == TurnOutcome.Failed ? ActivityStatusCode.Error : ActivityStatusCode.Unset);
        return persisted;
    }

    /// <summary>Persists without retries. Throws what the stores throw.</summary>
    /// <param name="end">The end.</param>
    /// <param name="trace">The turn's trace; default: unknown here.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public async Task PersistOnceAsync(TurnEnd end, ActivityContext trace, CancellationToken cancellationToken)
    {
        using var scope = logger.BeginTurn(end.Key.TenantId, end.Key.ConversationId, end.TurnId);
        using var span = GatewayTelemetry.StartChild("turn.finalize", trace)?.SetTurn(end.TurnId);
        var row = (await TryPersistAsync(end, cancellationToken)).Row;
        span?.SetTag("konstruct.turn.outcome", row?.Status).SetTag("konstruct.turn.attempt", row?.Attempt);
    }

    private async Task<PersistedTurn> TryPersistAsync(TurnEnd end, CancellationToken cancellationToken)
    {
        if ((end.Text is { } whole ? (end.Outcome, whole) : await ReadAsync(end)) is not var (outcome, text))
        {
            return await FindLostAsync(end, cancellationToken);
        }

        var (row, won) = await store.PersistAsync(end.Key, end.TurnId, outcome, end.Attempt, text, cancellationToken);
        if (won)
        {
            if (outcome != end.Outcome)
            {
                Log.TextLost(logger, end.TurnId);
            }

            metrics.TurnEnded(outcome);
            Log.Ended(logger, outcome == TurnOutcome.Failed ? LogLevel.Warning : LogLevel.Information, end.TurnId, outcome, row!.Attempt);
            if (end is { Attempt: > 0, Text: not null })
            {
                // Redis may have lost it since it came on the channel. Then the turn may have been given another attempt, which must not follow its end.
                tasks.Run("ending a persisted turn in Redis", () => log.EnsureEndedAsync(KeyOf(end), outcome));
            }
        }

        Acknowledge(row);
        return new(row, text);
    }

    /// <summary>Another gateway may have persisted the end before Redis lost it.</summary>
    private async Task<PersistedTurn> FindLostAsync(TurnEnd end, CancellationToken cancellationToken)
    {
        var row = await store.FindTurnAsync(end.Key, end.TurnId, cancellationToken);
        if (row is { IsEnded: false })
        {
            Log.Lost(logger, end.TurnId);
            return new(Row: null, default, IsLost: true);
        }

        Acknowledge(row);
        return new(row, default);
    }

    private AttemptKey KeyOf(TurnEnd end) => new(end.Key.ConversationId, end.TurnId, end.Attempt, subscription.ChannelOf(end.Key));

    private void Acknowledge(TurnRow? row)
    {
        if (row is not null)
        {
            acknowledger.Add(row.TurnId, Math.Max(1, row.Attempt));
        }
    }

    /// <summary>
    /// The outcome, and the text from the log. An attempt is completed only with its own last entry: Redis may have lost the log since the end was
    /// read. If the turn's state still has the end, the log alone is lost and nothing can complete the turn: it is failed.
    /// </summary>
    /// <returns>Null: Redis lost the end too. The turn runs, and the sweep gives it another attempt.</returns>
    private async Task<(string Outcome, ReadOnlyMemory<byte> Text)?> ReadAsync(TurnEnd end)
    {
        var (outcome, attempt) = (end.Outcome, Math.Max(end.Attempt, 1));
        var (text, hasEnd) = await log.ReadTextAsync(end.Key.ConversationId, end.TurnId, attempt);
        if (outcome == TurnOutcome.Completed && end.Attempt > 0) // The end of a legacy orchestrator has no attempt and is in no log.
        {
            if (hasEnd)
            {
                return (outcome, Encoding.UTF8.GetBytes(text)); // Also if it is empty.
            }

            var state = await log.ReadStateAsync(end.Key.ConversationId, end.TurnId);
            if ((state.Outcome, state.Attempt) != (outcome, end.Attempt))
            {
                return null;
            }

            outcome = TurnOutcome.Failed;
        }

        // What there is: where the attempt that ended has no text, the text of the attempt before.
        while (text.Length == 0 && --attempt > 0)
        {
            (text, _) = await log.ReadTextAsync(end.Key.ConversationId, end.TurnId, attempt);
        }

        return (outcome, Encoding.UTF8.GetBytes(text));
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 302, Message = "Turn {TurnId} is {Outcome}, attempt {Attempt}")]
        public static partial void Ended(ILogger logger, LogLevel level, Guid turnId, string outcome, int attempt);

        [LoggerMessage(303, LogLevel.Debug, "An end of turn {TurnId} was ignored: Postgres has no such turn in this conversation")]
        public static partial void Unknown(ILogger logger, Guid turnId);

        [LoggerMessage(304, LogLevel.Warning, "Redis lost the end of turn {TurnId} before its text was read: the turn goes on")]
        public static partial void Lost(ILogger logger, Guid turnId);

        [LoggerMessage(305, LogLevel.Warning, "Turn {TurnId} is failed: a worker completed it, and Redis lost its log")]
        public static partial void TextLost(ILogger logger, Guid turnId);
    }
}
