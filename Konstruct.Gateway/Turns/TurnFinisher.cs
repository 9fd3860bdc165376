using System.Diagnostics;
using System.Text;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Telemetry;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Conversations;
using Konstruct.Gateway.Telemetry;
using Konstruct.ServiceDefaults.Loops;
using Polly;

namespace Konstruct.Gateway.Turns;

/// <summary>The end of a turn, before it is persisted.</summary>
/// <param name="TenantId">The tenant.</param>
/// <param name="ConversationId">The conversation.</param>
/// <param name="TurnId">The turn.</param>
/// <param name="Outcome">A word of <see cref="TurnOutcome"/>.</param>
/// <param name="Attempt">The attempt that ended it; 0: keep the row's.</param>
/// <param name="Text">The full text, UTF-8; null: read it from the log.</param>
internal sealed record TurnEnding(Guid TenantId, Guid ConversationId, Guid TurnId, string Outcome, int Attempt, ReadOnlyMemory<byte>? Text);

/// <summary>Result of persisting an end.</summary>
/// <param name="Row">
/// The row after the call. Null: Postgres does not have this turn in this tenant and
/// conversation, because the conversation was deleted or the end was forged.
/// </param>
/// <param name="Text">The text of the end, or of the log.</param>
internal readonly record struct FinishedTurn(TurnRow? Row, ReadOnlyMemory<byte> Text);

/// <summary>
/// Persists ends of turns. Several gateways may try at once. The update requires a pending row,
/// so one wins, and all send their clients what the row says.
/// </summary>
internal sealed partial class TurnFinisher(
    ConversationStore store, TurnLog log, Settling settling, GatewayMetrics metrics, Persistence persistence, Stopping stopping, ILogger<TurnFinisher> logger)
{
    /// <summary>Retries any error: sockets wait for this end, and no other gateway sends it to them.</summary>
    private readonly ResiliencePipeline _persistently = persistence.Of("persisting an answer", TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(4));

    /// <summary>
    /// Persists, and retries until it succeeds or the gateway stops. Then another gateway's sweep takes over. A turn
    /// that Postgres does not have here is not acknowledged: it may belong to another tenant.
    /// </summary>
    /// <param name="ending">The end.</param>
    /// <param name="trace">The turn's trace; default: unknown here.</param>
    /// <param name="turn">The root span, if this gateway has it.</param>
    /// <exception cref="OperationCanceledException">The gateway stops.</exception>
    public async Task<FinishedTurn> FinishAsync(TurnEnding ending, ActivityContext trace, Activity? turn = null)
    {
        using var scope = logger.BeginTurn(ending.TenantId, ending.ConversationId, ending.TurnId);
        using var span = GatewayTelemetry.StartChild("turn.finalize", trace)?.SetTurn(ending.TurnId);
        var finished = await _persistently.ExecuteAsync(async cancellation => await PersistAsync(ending, cancellation), stopping.Hard);
        if (finished.Row is not { } row)
        {
            Log.Unknown(logger, ending.TurnId);
            return finished;
        }

        span?.SetTag("konstruct.turn.outcome", row.Status).SetTag("konstruct.turn.attempt", row.Attempt);
        turn?.SetTag("konstruct.turn.outcome", row.Status).SetTag("konstruct.turn.attempt", row.Attempt)
            .SetStatus(row.Status == TurnOutcome.Failed ? ActivityStatusCode.Error : ActivityStatusCode.Unset);
        return finished;
    }

    /// <summary>Persists without retries. Throws what the stores throw.</summary>
    /// <param name="ending">The end.</param>
    /// <param name="trace">The turn's trace; default: unknown here.</param>
    public async Task TryFinishAsync(TurnEnding ending, ActivityContext trace)
    {
        using var scope = logger.BeginTurn(ending.TenantId, ending.ConversationId, ending.TurnId);
        using var span = GatewayTelemetry.StartChild("turn.finalize", trace)?.SetTurn(ending.TurnId);
        var row = (await PersistAsync(ending, stopping.Hard)).Row;
        span?.SetTag("konstruct.turn.outcome", row?.Status).SetTag("konstruct.turn.attempt", row?.Attempt);
    }

    private async Task<FinishedTurn> PersistAsync(TurnEnding ending, CancellationToken cancellationToken)
    {
        var text = ending.Text ?? await ReadTextAsync(ending);
        var (row, won) = await store.FinishAsync(ending.TenantId, ending.ConversationId, ending.TurnId, ending.Outcome, ending.Attempt, text, cancellationToken);
        if (won)
        {
            metrics.TurnEnded(ending.Outcome);
            Log.Ended(logger, ending.Outcome == TurnOutcome.Failed ? LogLevel.Warning : LogLevel.Information, ending.TurnId, ending.Outcome, row!.Attempt);
        }

        if (row is not null)
        {
            settling.Add(ending.TurnId, Math.Max(1, row.Attempt));
        }

        return new(row, text);
    }

    /// <summary>Text of the attempt that ended; if it is empty, of the attempt before.</summary>
    private async Task<ReadOnlyMemory<byte>> ReadTextAsync(TurnEnding ending)
    {
        for (var attempt = Math.Max(ending.Attempt, 1); attempt > 0; attempt--)
        {
            var text = await log.ReadTextAsync(ending.ConversationId, ending.TurnId, attempt);
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
