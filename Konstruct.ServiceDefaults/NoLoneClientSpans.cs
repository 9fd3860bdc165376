using System.Diagnostics;
using OpenTelemetry;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Drops calls that belong to nothing: a sweep's query, a probe's, a poll's. Each would be a trace of its own with one span, several a second.
/// A call beneath a turn or a request stays.
/// </summary>
internal sealed class NoLoneClientSpans : BaseProcessor<Activity>
{
    public override void OnStart(Activity data)
    {
        if (data.Kind == ActivityKind.Client && data.ParentSpanId == default)
        {
            data.IsAllDataRequested = false;
            data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        }
    }
}
