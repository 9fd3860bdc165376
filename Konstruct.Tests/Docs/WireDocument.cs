using YamlDotNet.RepresentationModel;

namespace Konstruct.Tests.Docs;

/// <summary>docs/reference/asyncapi.yaml, as much of it as a test compares: what a frame holds, the codes, and what to do about a close.</summary>
internal sealed class WireDocument
{
    private readonly YamlMappingNode _root;

    public WireDocument(string path)
    {
        var stream = new YamlStream();
        using var reader = new StreamReader(path);
        stream.Load(reader);
        _root = (YamlMappingNode)stream.Documents[0].RootNode;
        Schemas = Map(_root, "components", "schemas").Children.ToDictionary(s => Text(s.Key), s => new WireSchema((YamlMappingNode)s.Value));
    }

    /// <summary>Every schema by its name.</summary>
    public IReadOnlyDictionary<string, WireSchema> Schemas { get; }

    public string Subprotocol => Text(_root["x-subprotocol"]);

    /// <summary>Each error's code, and whether to send again, in the document's order.</summary>
    public IReadOnlyList<(string Code, bool Retryable)> Errors =>
        [.. Map(_root, "x-errors").Children.Select(e => (Text(e.Key), Text(e.Value["retryable"]) == "true"))];

    /// <summary>Each close code's name and number, and what a client does about it.</summary>
    public IReadOnlyList<(string Name, int Code, string Again)> CloseCodes =>
        [
            .. Map(_root, "x-close-codes")
                .Children.Select(c =>
                    (Text(c.Key), int.Parse(Text(c.Value["code"]), System.Globalization.CultureInfo.InvariantCulture), Text(c.Value["again"]))
                ),
        ];

    /// <summary>The schemas of the frames that go one way in one version: <c>v1Receive</c>, <c>v2Send</c> and so on.</summary>
    public IReadOnlyList<string> FramesOf(string operation)
    {
        var channel = Last(Map(_root, "operations", operation)["channel"]["$ref"]);
        var messages = ((YamlSequenceNode)Map(_root, "operations", operation)["messages"]).Select(reference => Last(reference["$ref"]));
        return
        [
            .. messages
                .Select(name => Last(Map(_root, "channels", channel, "messages")[name]["$ref"]))
                .Select(message => Last(Map(_root, "components", "messages", message)["payload"]["$ref"])),
        ];
    }

    internal static string Text(YamlNode node) => ((YamlScalarNode)node).Value!;

    internal static string Last(YamlNode reference) => Text(reference).Split('/')[^1];

    private static YamlMappingNode Map(YamlMappingNode node, params string[] path) => path.Aggregate(node, (at, name) => (YamlMappingNode)at[name]);
}

/// <summary>One schema: an object with members, or a list of words.</summary>
internal sealed class WireSchema(YamlMappingNode node)
{
    /// <summary>The words that it can be; empty when it is an object.</summary>
    public IReadOnlyList<string> Words { get; } =
        node.Children.TryGetValue("enum", out var words) ? [.. ((YamlSequenceNode)words).Select(WireDocument.Text)] : [];

    /// <summary>An object's members, in their order.</summary>
    public IReadOnlyList<WireMember> Members { get; } =
        node.Children.TryGetValue("properties", out var members)
            ?
            [
                .. ((YamlMappingNode)members).Children.Select(m => new WireMember(
                    WireDocument.Text(m.Key),
                    TypeOf((YamlMappingNode)m.Value),
                    !Required(node).Contains(WireDocument.Text(m.Key))
                )),
            ]
            : [];

    private static HashSet<string> Required(YamlMappingNode node) => [.. ((YamlSequenceNode)node["required"]).Select(WireDocument.Text)];

    /// <summary>The type in TypeScript's words.</summary>
    private static string TypeOf(YamlMappingNode member)
    {
        if (member.Children.TryGetValue("$ref", out var reference))
        {
            return WireDocument.Last(reference);
        }

        if (member.Children.TryGetValue("const", out var constant))
        {
            return $"'{WireDocument.Text(constant)}'";
        }

        return WireDocument.Text(member["type"]) switch
        {
            "integer" => "number",
            "array" => $"{TypeOf((YamlMappingNode)member["items"])}[]",
            var same => same,
        };
    }
}

/// <summary>A member of a frame.</summary>
/// <param name="Name">As on the wire.</param>
/// <param name="Type">In TypeScript's words.</param>
/// <param name="IsOptional">Whether a frame may lack it.</param>
internal sealed record WireMember(string Name, string Type, bool IsOptional);
