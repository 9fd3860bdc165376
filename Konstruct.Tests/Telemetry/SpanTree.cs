using System.Globalization;
using System.Text;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Telemetry;

/// <summary>A trace as a tree: for assertions, and for people.</summary>
internal static class SpanTree
{
    private static readonly Lock Gate = new();

    /// <summary>Each span as <c>service: parent > name</c>, sorted; a root has no parent.</summary>
    public static IReadOnlyList<string> Edges(IReadOnlyList<SeenSpan> trace)
    {
        var names = trace.ToDictionary(span => span.SpanId, span => span.Name);
        return
        [
            .. trace
                .Select(span => $"{span.Service}: {names.GetValueOrDefault(span.ParentId, "")} > {span.Name} {span.Kind}")
                .Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>The tree, a line for each span, in the order in which they began.</summary>
    public static string Print(IReadOnlyList<SeenSpan> trace)
    {
        var text = new StringBuilder();
        var known = trace.Select(span => span.SpanId).ToHashSet();
        var began = trace.Min(span => span.Start);
        text.AppendLine(CultureInfo.InvariantCulture, $"trace {trace[0].TraceId}, {trace.Count} spans");
        foreach (var root in trace.Where(span => !known.Contains(span.ParentId)).OrderBy(span => span.Start))
        {
            Append(text, trace, root, began, depth: 0);
        }

        return text.ToString();
    }

    /// <summary>Keeps the tree where <c>.ci/run</c> finds it.</summary>
    public static void Keep(string tree)
    {
        lock (Gate)
        {
            Report.Write("trace.txt", tree);
        }
    }

    private static void Append(StringBuilder text, IReadOnlyList<SeenSpan> trace, SeenSpan span, ulong began, int depth)
    {
        var name = $"{new string(' ', 2 * depth)}{span.Name}";
        var events = span.Events.Count == 0 ? "" : $"  ({string.Join(", ", span.Events)})";
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"{name, -24} {span.Service.Replace("Konstruct.", "", StringComparison.Ordinal), -16} {span.Kind, -8} +{(span.Start - began) / 1e6, 7:0.0} ms {(span.End - span.Start) / 1e6, 8:0.0} ms{events}"
        );
        foreach (var child in trace.Where(other => other.ParentId == span.SpanId).OrderBy(other => other.Start))
        {
            Append(text, trace, child, began, depth + 1);
        }
    }
}
