using System.Diagnostics.Metrics;
using Konstruct.OrchestratorStub.Work;

namespace Konstruct.OrchestratorStub.Telemetry;

/// <summary>Metrics of a worker; docs/reference/metrics.md explains each. The model's metrics are in the meter <c>Konstruct.GenAI</c>.</summary>
internal sealed class OrchestratorMetrics
{
    public const string MeterName = "Konstruct.Orchestrator";

    private readonly Histogram<double> _wait;
    private readonly Counter<long> _attempts;

    public OrchestratorMetrics(IMeterFactory meters, RunningTurns running)
    {
        var meter = meters.Create(MeterName);
        _wait = meter.CreateHistogram<double>(
            "konstruct.queue.wait",
            "s",
            "How long a task was in the queue before it was claimed.",
            advice: new() { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180] }
        );
        _attempts = meter.CreateCounter<long>("konstruct.attempts", "{attempt}", "Attempts that this worker is through with, by result.");
        meter.CreateObservableGauge("konstruct.worker.turns", () => running.Count, "{turn}", "Turns that this worker is answering.");
    }

    public void Claimed(TimeSpan waited) => _wait.Record(waited.TotalSeconds);

    /// <summary>Counts an attempt that is over.</summary>
    /// <param name="outcome">Outcome of the turn; null: stopped before its end.</param>
    /// <param name="reason">Why it was stopped.</param>
    public void Attempted(string? outcome, StopReason reason) =>
        _attempts.Add(
            1,
            new KeyValuePair<string, object?>(
                "result",
                reason switch
                {
                    StopReason.None => outcome,
                    StopReason.Ended => "ended",
                    StopReason.GivenBack => "given_back",
                    _ => "lost",
                }
            )
        );
}
