using System.Diagnostics;
using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Telemetry;

namespace Konstruct.OrchestratorStub.Telemetry;

/// <summary>The orchestrator's spans, children of the span that queued the task.</summary>
internal static class OrchestratorTelemetry
{
    private static readonly ActivitySource Source = new("Konstruct.Orchestrator");

    /// <summary>Starts a child of the current span.</summary>
    public static Activity? Start(string name) => Source.StartActivity(name);

    /// <summary>
    /// Records the claim of a task. The span ends as soon as the task is known and is exported alone,
    /// so that an attempt of a killed worker leaves at least this span.
    /// </summary>
    /// <param name="message">The task.</param>
    /// <param name="claimed">Times of the claim, and the time in the queue.</param>
    public static void Claimed(KonstructMessage message, ClaimedTask claimed)
    {
        var parent = TraceParent.Parse(message.Traceparent);
        if (parent == default)
        {
            return;
        }

        using var span = Source.StartActivity("turn.claim", ActivityKind.Consumer, parent, startTime: claimed.ClaimedFrom);
        span?.SetTask(message)
            .SetTag("messaging.operation.type", "receive")
            .SetTag("konstruct.queue.wait", claimed.Waited.TotalSeconds)
            .SetEndTime(claimed.ClaimedAt.UtcDateTime);
    }

    /// <summary>Starts the span of the work on a task.</summary>
    public static Activity? StartProcess(KonstructMessage message) =>
        Source
            .StartActivity("turn.process", ActivityKind.Consumer, TraceParent.Parse(message.Traceparent))
            ?.SetTask(message)
            .SetTag("messaging.operation.type", "process");

    /// <summary>Sets no <c>messaging.system</c>, because the dashboard would then show "MSG redis dispatch" as the span's name.</summary>
    private static Activity SetTask(this Activity span, KonstructMessage message) =>
        span.SetTag("konstruct.turn.id", message.TurnId.ToString("D"))
            .SetTag("konstruct.turn.attempt", message.Attempt)
            .SetTag("messaging.destination.name", "dispatch");
}
