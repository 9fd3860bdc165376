using System.Diagnostics;
using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Telemetry;

namespace Konstruct.OrchestratorStub.Telemetry;

/// <summary>The orchestrator's spans: children of the span that put the task into the queue.</summary>
internal static class OrchestratorTelemetry
{
    private static readonly ActivitySource Source = new("Konstruct.Orchestrator");

    /// <summary>A span of the worker's own, beneath the one that is current.</summary>
    public static Activity? Start(string name) => Source.StartActivity(name);

    /// <summary>
    /// The claim of a task. It is over when the task is known, so it is exported by itself: a worker that is killed leaves at least this of its attempt.
    /// </summary>
    /// <param name="message">The task.</param>
    /// <param name="claimed">When it was claimed, and how long it had waited.</param>
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

    /// <summary>The work on a task.</summary>
    public static Activity? StartProcess(KonstructMessage message) =>
        Source.StartActivity("turn.process", ActivityKind.Consumer, TraceParent.Parse(message.Traceparent))
            ?.SetTask(message)
            .SetTag("messaging.operation.type", "process");

    /// <summary>Without <c>messaging.system</c>: the dashboard would show "MSG redis dispatch" in place of the name.</summary>
    private static Activity SetTask(this Activity span, KonstructMessage message) => span
        .SetTag("konstruct.turn.id", message.TurnId.ToString("D"))
        .SetTag("konstruct.turn.attempt", message.Attempt)
        .SetTag("messaging.destination.name", "dispatch");
}
