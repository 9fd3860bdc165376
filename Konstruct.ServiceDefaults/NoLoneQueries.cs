using System.Diagnostics;
using OpenTelemetry;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Drops queries that belong to nothing: a sweep's, a poll's. Each would be a trace of its own with one span, several a second. A query beneath a turn or a
/// request stays. Other clients' calls are let be: what they call would not be sampled either.
/// </summary>
internal sealed class NoLoneQueries : BaseProcessor<Activity>
{
    public override void OnStart(Activity data)
    {
        if (data.ParentSpanId == default && data.Source.Name == "Npgsql")
        {
            data.IsAllDataRequested = false;
            data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        }
    }
}
