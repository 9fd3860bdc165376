using System.Diagnostics;

namespace Konstruct.Contracts.Telemetry;

/// <summary>W3C trace context as text, in a client's message, the task payload and the turn's hash in Redis.</summary>
public static class TraceParent
{
    /// <summary>Parses a trace context. Default if the text is null or not valid.</summary>
    public static ActivityContext Parse(string? traceparent) =>
        ActivityContext.TryParse(traceparent, traceState: null, isRemote: true, out var context) ? context : default;
}
