using System.Diagnostics;

namespace Konstruct.Contracts.Telemetry;

/// <summary>W3C trace context as the text that travels: in a client's message, the task payload, the turn's hash in Redis.</summary>
public static class TraceParent
{
    /// <summary>The context that a text names; default, which is no context, when it is null or none.</summary>
    public static ActivityContext Parse(string? traceparent) =>
        ActivityContext.TryParse(traceparent, traceState: null, isRemote: true, out var context) ? context : default;
}
