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
    Acknowledger acknowledger,
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
    /// that Postgres does not have here is not acknowledged: it may belong to another tenant.
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
            Log.Unknown(logger, end.TurnId);
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
    public async Task PersistOnceAsync(TurnEnd end, ActivityContext trace)
    {
        using var scope = logger.BeginTurn(end.Key.TenantId, end.Key.ConversationId, end.TurnId);
        using var span = GatewayTelemetry.StartChild("turn.finalize", trace)?.SetTurn(end.TurnId);
        var row = (await TryPersistAsync(end, stopping.Hard)).Row;
        span?.SetTag("konstruct.turn.outcome", row?.Status).SetTag("konstruct.turn.attempt", row?.Attempt);
    }

    private async Task<PersistedTurn> TryPersistAsync(TurnEnd end, CancellationToken cancellationToken)
    {
        var text = end.Text ?? await ReadTextAsync(end);
        var (row, won) = await store.PersistAsync(end.Key, end.TurnId, end.Outcome, end.Attempt, text, cancellationToken);
        if (won)
        {
            metrics.TurnEnded(end.Outcome);
            Log.Ended(logger, end.Outcome == TurnOutcome.Failed ? LogLevel.Warning : LogLevel.Information, end.TurnId, end.Outcome, row!.Attempt);
        }

        if (row is not null)
        {
            acknowledger.Add(end.TurnId, Math.Max(1, row.Attempt));
        }

        return new(row, text);
    }

    /// <summary>Text of the attempt that ended; if it is empty, of the attempt before.</summary>
    private async Task<ReadOnlyMemory<byte>> ReadTextAsync(TurnEnd end)
    {
        for (var attempt = Math.Max(end.Attempt, 1); attempt > 0; attempt--)
        {
            var text = await log.ReadTextAsync(end.Key.ConversationId, end.TurnId, attempt);
            if (text.Length > 0)
            {
                return Encoding.UTF8.GetBytes(text);
            }
        }

        return default;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 302, Message = "Turn {TurnId} is {Outcome}, attempt {Attempt}")]
        public static partial void Ended(ILogger logger, LogLevel level, Guid turnId, string outcome, int attempt);

        [LoggerMessage(303, LogLevel.Debug, "An end of turn {TurnId} was ignored: Postgres has no such turn in this conversation")]
        public static partial void Unknown(ILogger logger, Guid turnId);
    }
}
