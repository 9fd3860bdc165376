using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Konstruct.Tests.Harness;
using YamlDotNet.RepresentationModel;

namespace Konstruct.Tests.Observability;

/// <summary>The files of deploy/observability, as much of them as the tests compare.</summary>
internal static partial class Dashboard
{
    public static readonly string Folder = BuiltPrograms.PathTo("deploy/observability");

    public static JsonObject Read() => JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "grafana-dashboard.json")))!.AsObject();

    /// <summary>All panels except the headings of rows.</summary>
    public static IReadOnlyList<JsonObject> Panels(JsonObject dashboard) => [.. AllPanels(dashboard).Where(panel => (string?)panel["type"] != "row")];

    public static IReadOnlyList<JsonObject> AllPanels(JsonObject dashboard) =>
        [
            .. dashboard["panels"]!
                .AsArray()
                .Select(panel => panel!.AsObject())
                .SelectMany(panel => panel["panels"]?.AsArray().Select(inner => inner!.AsObject()).Prepend(panel) ?? [panel]),
        ];

    /// <summary>Every query of the panels, with the variables as Grafana replaces them when everything is selected.</summary>
    public static IReadOnlyList<Query> Queries(string rateInterval) =>
        [
            .. Panels(Read())
                .SelectMany(
                    panel => panel["targets"]!.AsArray(),
                    (panel, target) =>
                        new Query(
                            (string)panel["title"]!,
                            ((string)target!["expr"]!)
                                .Replace("$__rate_interval", rateInterval, StringComparison.Ordinal)
                                .Replace("$job", ".*", StringComparison.Ordinal)
                                .Replace("$instance", ".*", StringComparison.Ordinal)
                        )
                ),
        ];

    /// <summary>The rules of alerts.yaml.</summary>
    public static IReadOnlyList<Alert> Alerts()
    {
        var root = (YamlMappingNode)Yaml("alerts.yaml");
        return
        [
            .. ((YamlSequenceNode)root["groups"])
                .SelectMany(group => (YamlSequenceNode)group["rules"])
                .Cast<YamlMappingNode>()
                .Select(rule => new Alert(
                    Text(rule, "alert")!,
                    Text(rule, "expr")!,
                    Text(rule, "for"),
                    Texts(rule, "labels"),
                    Texts(rule, "annotations")
                )),
        ];
    }

    public static YamlNode Yaml(string file)
    {
        var stream = new YamlStream();
        using var reader = new StreamReader(Path.Combine(Folder, file));
        stream.Load(reader);
        return stream.Documents.Single().RootNode;
    }

    /// <summary>The metrics that an expression reads, each with its matchers.</summary>
    public static IEnumerable<Selector> SelectorsOf(string expression) =>
        MetricName()
            .Matches(Grouping().Replace(expression, "")) // Some labels look like metrics.
            .Select(match => new Selector(
                match.Groups["name"].Value,
                Matcher()
                    .Matches(match.Groups["matchers"].Value)
                    .Select(matcher => (matcher.Groups[1].Value, matcher.Groups[2].Value, matcher.Groups[3].Value))
                    .ToList()
            ));

    /// <summary>The labels by which an expression groups.</summary>
    public static IEnumerable<string> GroupingsOf(string expression) =>
        Grouping()
            .Matches(expression)
            .SelectMany(match => match.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

    private static string? Text(YamlMappingNode node, string name) =>
        node.Children.TryGetValue(name, out var value) ? ((YamlScalarNode)value).Value : null;

    private static Dictionary<string, string> Texts(YamlMappingNode node, string name) =>
        node.Children.TryGetValue(name, out var value)
            ? ((YamlMappingNode)value).Children.ToDictionary(each => ((YamlScalarNode)each.Key).Value!, each => ((YamlScalarNode)each.Value).Value!)
            : [];

    [GeneratedRegex(@"\b(?<name>(?:konstruct|gen_ai|dotnet|db|http|kestrel|aspnetcore|target|up)(?:_\w+)?)\b(?:\{(?<matchers>[^}]*)\})?")]
    private static partial Regex MetricName();

    [GeneratedRegex(@"(\w+)\s*(=~|!~|!=|=)\s*""([^""]*)""")]
    private static partial Regex Matcher();

    [GeneratedRegex(@"\bby\s*\(([^)]*)\)")]
    private static partial Regex Grouping();
}

/// <summary>A query of a panel.</summary>
internal sealed record Query(string Panel, string Expression);

/// <summary>A rule of alerts.yaml.</summary>
internal sealed record Alert(string Name, string Expression, string? For, Dictionary<string, string> Labels, Dictionary<string, string> Annotations);

/// <summary>A metric that an expression reads.</summary>
internal sealed record Selector(string Name, IReadOnlyList<(string Label, string Operator, string Value)> Matchers)
{
    /// <summary>Without matchers that match everything, and in PromQL's syntax.</summary>
    public override string ToString()
    {
        var matchers = Matchers
            .Where(matcher => matcher.Value != ".*")
            .Select(matcher => $"{matcher.Label}{matcher.Operator}\"{matcher.Value}\"")
            .ToList();
        return matchers.Count == 0 ? Name : $"{Name}{{{string.Join(',', matchers)}}}";
    }
}
