using System.Diagnostics;
using OpenTelemetry;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Drops query spans without a parent, such as those of sweeps and polls. Each would be a trace with one span, several per second. Queries
/// under a turn or a request stay. Spans of other clients are kept, because the called service would then drop its spans too.
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
