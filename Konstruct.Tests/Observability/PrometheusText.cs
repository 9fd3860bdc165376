using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Konstruct.Tests.Telemetry.Otlp;

namespace Konstruct.Tests.Observability;

/// <summary>
/// Writes OTLP metrics in Prometheus's text format, as the Prometheus exporter of the OpenTelemetry Collector does. The rules are those of
/// https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/: a name gets its unit and <c>_total</c>,
/// the service becomes <c>job</c> and <c>instance</c>, and <c>target_info</c> has the other attributes of the resource. Labels of the scope are left out.
/// </summary>
internal static partial class PrometheusText
{
    private static readonly Dictionary<string, string> Units = new()
    {
        ["s"] = "seconds",
        ["ms"] = "milliseconds",
        ["By"] = "bytes",
        ["%"] = "percent",
    };

    public static string Of(IReadOnlyDictionary<Resource, IReadOnlyList<Metric>> exports)
    {
        var families = new SortedDictionary<string, (string Type, StringBuilder Lines)>(StringComparer.Ordinal);
        foreach (var (resource, metrics) in exports)
        {
            var attributes = resource.Attributes.ToDictionary(attribute => attribute.Key, attribute => TextOf(attribute.Value));
            var target = new List<(string, string)>
            {
                ("job", (attributes.TryGetValue("service.namespace", out var space) ? space + "/" : "") + attributes["service.name"]),
                ("instance", attributes["service.instance.id"]),
            };
            var rest = attributes.Where(attribute => attribute.Key is not ("service.name" or "service.namespace" or "service.instance.id"));
            Family("target_info", "gauge").Append(Sample("target_info", [.. target, .. rest.Select(a => (LabelOf(a.Key), a.Value))], "1"));
            foreach (var metric in metrics)
            {
                Write(metric, target);
            }
        }

        return string.Concat(families.Select(family => $"# TYPE {family.Key} {family.Value.Type}\n{family.Value.Lines}"));

        StringBuilder Family(string name, string type)
        {
            if (!families.TryGetValue(name, out var family))
            {
                families.Add(name, family = (type, new()));
            }

            return family.Lines;
        }

        void Write(Metric metric, List<(string, string)> target)
        {
            var name = NameOf(metric);
            var isHistogram = metric.DataCase == Metric.DataOneofCase.Histogram;
            var isCounter = metric is { DataCase: Metric.DataOneofCase.Sum, Sum.IsMonotonic: true };
            var lines = Family(
                name,
                isHistogram ? "histogram"
                    : isCounter ? "counter"
                    : "gauge"
            );
            if (!isHistogram)
            {
                var points = metric.DataCase == Metric.DataOneofCase.Sum ? metric.Sum.DataPoints : metric.Gauge.DataPoints;
                foreach (var point in points)
                {
                    var value = point.ValueCase == NumberPoint.ValueOneofCase.AsInt ? point.AsInt : point.AsDouble;
                    lines.Append(Sample(name, LabelsOf(point.Attributes), Number(value)));
                }

                return;
            }

            foreach (var point in metric.Histogram.DataPoints)
            {
                var (labels, count) = (LabelsOf(point.Attributes), 0ul);
                for (var bucket = 0; bucket < point.ExplicitBounds.Count; bucket++)
                {
                    count += point.BucketCounts[bucket];
                    lines.Append(Sample($"{name}_bucket", [.. labels, ("le", Number(point.ExplicitBounds[bucket]))], Number(count)));
                }

                lines.Append(Sample($"{name}_bucket", [.. labels, ("le", "+Inf")], Number(point.Count)));
                lines.Append(Sample($"{name}_sum", labels, Number(point.Sum)));
                lines.Append(Sample($"{name}_count", labels, Number(point.Count)));
            }

            List<(string, string)> LabelsOf(IEnumerable<KeyValue> attributes) =>
                [.. target, .. attributes.Select(attribute => (LabelOf(attribute.Key), TextOf(attribute.Value)))];
        }
    }

    /// <summary>The Prometheus name: <c>konstruct.turn.duration</c> in <c>s</c> is <c>konstruct_turn_duration_seconds</c>.</summary>
    public static string NameOf(Metric metric)
    {
        var words = NotInNames().Split(metric.Name).Where(word => word.Length > 0).ToList();
        if (Units.TryGetValue(metric.Unit, out var unit) && !words.Contains(unit))
        {
            words.Add(unit);
        }

        if (metric is { DataCase: Metric.DataOneofCase.Sum, Sum.IsMonotonic: true })
        {
            words.Remove("total");
            words.Add("total");
        }
        else if (metric is { Unit: "1", DataCase: Metric.DataOneofCase.Gauge })
        {
            words.Add("ratio");
        }

        return string.Join('_', words);
    }

    private static string LabelOf(string attribute) => NotInNames().Replace(attribute, "_");

    private static string TextOf(AnyValue value) =>
        value.ValueCase switch
        {
            AnyValue.ValueOneofCase.StringValue => value.StringValue,
            AnyValue.ValueOneofCase.BoolValue => value.BoolValue ? "true" : "false",
            AnyValue.ValueOneofCase.IntValue => value.IntValue.ToString(CultureInfo.InvariantCulture),
            AnyValue.ValueOneofCase.DoubleValue => Number(value.DoubleValue),
            _ => "",
        };

    private static string Sample(string name, IEnumerable<(string Name, string Value)> labels, string value) =>
        $"{name}{{{string.Join(',', labels.Select(label => $"{label.Name}=\"{Escaped(label.Value)}\""))}}} {value}\n";

    private static string Escaped(string value) =>
        value
            .Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    [GeneratedRegex("[^A-Za-z0-9]+")]
    private static partial Regex NotInNames();
}
