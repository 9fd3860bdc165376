using System.Diagnostics;

namespace Konstruct.OrchestratorStub.Telemetry;

/// <summary>The orchestrator's spans: children of the span that put the task into the queue.</summary>
internal static class OrchestratorTelemetry
{
    public static readonly ActivitySource Source = new("Konstruct.Orchestrator");

    public static Activity? Start(string name, ActivityKind kind, string? traceparent)
    {
        ActivityContext.TryParse(traceparent, traceState: null, isRemote: true, out var parent);
        return Source.StartActivity(name, kind, parent);
    }
}
