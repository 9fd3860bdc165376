using System.Diagnostics;
using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Telemetry;
using Konstruct.Contracts.Wire;
using Konstruct.OrchestratorStub.Telemetry;
using Konstruct.ServiceDefaults.Stores;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace Konstruct.OrchestratorStub.Work;

/// <summary>Answers one turn: opens the attempt, runs the model, writes its answer and finishes the turn.</summary>
internal sealed partial class TurnAnswerer(
    IChatClient model,
    TurnLog log,
    DispatchQueue queue,
    IOptions<DispatchOptions> options,
    OrchestratorMetrics metrics,
    Retry retry,
    TimeProvider time,
    ILogger<TurnAnswerer> logger
)
{
    private readonly DispatchOptions _options = options.Value;
    private readonly ResponseChannel _channel = new(options.Value.ResponseChannel);

    /// <summary>Answers a turn. Returns early when <paramref name="turn"/> is stopped.</summary>
    public async Task AnswerAsync(KonstructMessage message, RunningTurn turn)
    {
        using var scope = logger.BeginTurn(message.TenantId, message.ConversationId, message.TurnId);
        using var span = OrchestratorTelemetry.StartProcess(message);
        string? outcome = null;
        var key = new AttemptKey(message.ConversationId, message.TurnId, message.Attempt, _channel.For(message.TenantId, message.ConversationId));
        try
        {
            if (await OpenAsync(key, message, turn))
            {
                outcome = await SpeakAsync(key, message, turn, span);
            }
        }
        catch (OperationCanceledException)
        {
            // The first reason wins. Without one, Redis was unreachable for longer than a lease, and the lease is lost.
            turn.Stop(StopReason.Lost);
        }

        metrics.Attempted(outcome, turn.Reason);
        span?.SetTag("konstruct.turn.outcome", turn.Reason == StopReason.None ? outcome : null);
        if (turn.Reason != StopReason.None)
        {
            span?.SetTag("konstruct.turn.stopped", turn.Reason.ToString());
            await LetGoAsync(key, turn);
        }
    }

    private async Task<bool> OpenAsync(AttemptKey key, KonstructMessage message, RunningTurn turn)
    {
        var opened = await retry.UntilKnownAsync(() => log.OpenAsync(key, turn.ClaimId, message.Traceparent), turn.Stopped);
        if (opened == LogWrite.Written)
        {
            return true;
        }

        turn.Stop(opened == LogWrite.Ended ? StopReason.Ended : StopReason.Lost);
        return false;
    }

    /// <returns>Outcome of the turn, if this attempt finished it. Otherwise <see cref="RunningTurn.Reason"/> says why not.</returns>
    private async Task<string> SpeakAsync(AttemptKey key, KonstructMessage message, RunningTurn turn, Activity? span)
    {
        var answer = new AnswerWriter(log, key, turn, _options.MaxAnswerBytes, retry, time, span);
        var outcome = TurnOutcome.Completed;
        try
        {
            await foreach (var update in model.GetStreamingResponseAsync(message.Content.Text, cancellationToken: turn.Stopped))
            {
                await answer.WriteAsync(update.Text);
            }

            await answer.FlushAsync();
        }
        catch (OperationCanceledException) when (turn.Stopped.IsCancellationRequested && answer.Outcome == LogWrite.TooLong)
        {
            // The writer stopped the model.
        }
#pragma warning disable CA1031 // Model boundary: any exception fails this turn only.
        catch (Exception exception) when (exception is not OperationCanceledException || !turn.Stopped.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Log.ModelFailed(logger, key.TurnId, exception);
            span?.SetStatus(ActivityStatusCode.Error);
            await answer.FlushAsync();
            outcome = TurnOutcome.Failed;
        }
        finally
        {
            answer.Describe();
        }

        if (answer.Outcome == LogWrite.TooLong)
        {
            // Also when the model ended before the writer was refused.
            Log.TooLong(logger, key.TurnId);
            outcome = TurnOutcome.Failed;
        }

        await FinishAsync(key, answer, outcome, turn);
        return outcome;
    }

    private async Task FinishAsync(AttemptKey key, AnswerWriter answer, string outcome, RunningTurn turn)
    {
        using var span = OrchestratorTelemetry.Start("turn.finish");
        span?.SetTag("konstruct.turn.outcome", outcome).SetTag("konstruct.turn.chunks", answer.Count);

        // The answer is complete, so a stop is too late now. The script decides which came first.
        using var limit = new CancellationTokenSource(_options.Lease, time);
        var isTooLong = answer.Outcome == LogWrite.TooLong;
        var (seq, text) = isTooLong
            ? (
                (await retry.UntilKnownAsync(() => log.ReadStateAsync(key.ConversationId, key.TurnId), limit.Token)).LastSeq + 1,
                (await retry.UntilKnownAsync(() => log.ReadTextAsync(key.ConversationId, key.TurnId, key.Attempt), limit.Token)).Text
            )
            : (answer.Count + 1, answer.Text);
        var finished = await retry.UntilKnownAsync(() => log.FinishAsync(key, turn.ClaimId, seq, outcome, text), limit.Token);
        if (finished == LogWrite.Written)
        {
            await retry.UntilKnownAsync(() => queue.AnswerAsync(key.Entry), limit.Token);
            turn.End(); // The lease was released; the heartbeat may not know yet.
            return;
        }

        turn.Stop(finished == LogWrite.Ended ? StopReason.Ended : StopReason.Lost);
    }

    /// <summary>Gives up the lease, so that nothing waits for its expiry. If Redis is down, it expires.</summary>
    private async Task LetGoAsync(AttemptKey key, RunningTurn turn)
    {
        Log.LetGo(logger, key.TurnId, key.Attempt, turn.Reason);
        try
        {
            await queue.RemoveAsync(key.Entry);
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            Log.NotLetGo(logger, key.TurnId, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(500, LogLevel.Warning, "Turn {TurnId} failed: the model gave up")]
        public static partial void ModelFailed(ILogger logger, Guid turnId, Exception exception);

        [LoggerMessage(501, LogLevel.Warning, "Turn {TurnId} failed: its answer is longer than Dispatch:MaxAnswerBytes")]
        public static partial void TooLong(ILogger logger, Guid turnId);

        [LoggerMessage(502, LogLevel.Information, "Attempt {Attempt} of turn {TurnId} was let go: {Reason}")]
        public static partial void LetGo(ILogger logger, Guid turnId, int attempt, StopReason reason);

        [LoggerMessage(503, LogLevel.Warning, "The lease of turn {TurnId} could not be given back and will run out: {Reason}")]
        public static partial void NotLetGo(ILogger logger, Guid turnId, string reason);
    }
}
