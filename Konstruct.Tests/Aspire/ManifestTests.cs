using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit;

namespace Konstruct.Tests.Aspire;

/// <summary>The committed aspire-manifest.json is one that azd deploys and the standalone AppHost runs.</summary>
public sealed partial class ManifestTests
{
    private static readonly JsonObject Resources = JsonNode.Parse(File.ReadAllText(SourceTree.Path("aspire-manifest.json")))!["resources"]!.AsObject();

    /// <summary>What azd knows. An executable.v0 would be refused: nothing that runs on a developer's machine only may be published.</summary>
    private static readonly string[] KnownTypes = ["container.v0", "project.v0", "value.v0", "parameter.v0", "annotated.string"];

    [Fact]
    public void Every_resource_is_of_a_type_that_azd_knows() =>
        Assert.All(Resources, resource => Assert.Contains((string?)resource.Value!["type"], KnownTypes));

    [Fact]
    public void Every_resource_of_the_model_is_there() =>
        Assert.Superset(
            (HashSet<string>)["redis", "postgres", "konstruct-db", "konstruct", "schema", "gateway", "orchestrator",
                "redis-password", "postgres-password", "konstruct-gateway-password"],
            Resources.Select(resource => resource.Key).ToHashSet());

    [Fact]
    public void Every_expression_resolves() =>
        Assert.All(Strings(Resources).SelectMany(text => Expression().Matches(text)), expression =>
        {
            var resource = Resources[expression.Groups["resource"].Value];
            Assert.True(resource is not null, $"{expression.Value}: there is no such resource.");
            Assert.True(Resolves(resource, expression.Groups["path"].Value.Split('.')), $"{expression.Value}: the resource has nothing of that name.");
        });

    [Fact]
    public void Every_path_exists_and_stays_inside_the_repository() =>
        Assert.All(Resources.Select(resource => (string?)resource.Value!["path"]).OfType<string>(), path =>
        {
            Assert.True(File.Exists(SourceTree.Path(path)), path);
            Assert.DoesNotContain("..", path, StringComparison.Ordinal);
        });

    [Fact]
    public void Only_the_gateway_can_be_reached_from_outside() =>
        Assert.Equal(["gateway"], Resources.Where(resource => Bindings(resource.Value!).Any(binding => (bool?)binding["external"] == true)).Select(resource => resource.Key));

    [Fact]
    public void Every_password_is_a_generated_secret_and_none_is_written_down()
    {
        Assert.All(Resources.Where(resource => resource.Key.EndsWith("-password", StringComparison.Ordinal)), parameter =>
        {
            var input = parameter.Value!["inputs"]!["value"]!;
            Assert.True((bool?)input["secret"]);
            Assert.NotNull(input["default"]!["generate"]);
            Assert.Null(input["default"]!["value"]);
        });
        Assert.All(Strings(Resources).SelectMany(text => PasswordInText().Matches(text)), password =>
            Assert.Matches(@"^\{[\w-]+\.value\}$", password.Groups["value"].Value));
        Assert.All(
            Resources.SelectMany(resource => resource.Value!["env"]?.AsObject() ?? []).Where(variable => variable.Key.Contains("PASSWORD", StringComparison.OrdinalIgnoreCase)),
            variable => Assert.Matches(@"^\{[\w-]+\.value\}$", (string?)variable.Value));
    }

    /// <summary>The superuser sees every tenant: row level security does not bind it.</summary>
    [Fact]
    public void Only_the_schema_step_is_given_the_superusers_connection() =>
        Assert.Equal(["schema"], Resources
            .Where(resource => (string?)resource.Value!["type"] == "project.v0")
            .Where(project => Strings(project.Value!).Any(text => text.Contains("{konstruct-db.", StringComparison.Ordinal) || text.Contains("{postgres-password", StringComparison.Ordinal)))
            .Select(project => project.Key));

    /// <summary>azd would make a file share of it, and those cannot hold PostgreSQL.</summary>
    [Fact]
    public void No_volume_is_published() => Assert.All(Resources, resource => Assert.Null(resource.Value!["volumes"]));

    private static IEnumerable<JsonNode> Bindings(JsonNode resource) => resource["bindings"]?.AsObject().Select(binding => binding.Value!) ?? [];

    private static IEnumerable<string> Strings(JsonNode? node) => node switch
    {
        JsonObject members => members.SelectMany(member => Strings(member.Value)),
        JsonArray items => items.SelectMany(Strings),
        JsonValue value when value.TryGetValue<string>(out var text) => [text],
        _ => [],
    };

    private static bool Resolves(JsonNode resource, string[] path) => path switch
    {
        ["value"] => resource["value"] is not null,
        ["connectionString"] => resource["connectionString"] is not null,
        ["inputs", var input] => resource["inputs"]?[input] is not null,
        ["bindings", var binding, "host" or "port" or "scheme" or "url" or "targetPort"] => resource["bindings"]?[binding] is not null,
        _ => false,
    };

    [GeneratedRegex(@"\{(?<resource>[\w-]+)\.(?<path>[^{}]+)\}")]
    private static partial Regex Expression();

    [GeneratedRegex(@"(?i)\bpassword=(?<value>\{[^}]*\}|[^;,{]*)")]
    private static partial Regex PasswordInText();
}
