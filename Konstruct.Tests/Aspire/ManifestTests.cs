using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Aspire;

/// <summary>The committed aspire-manifest.json is one that azd deploys and the standalone AppHost runs.</summary>
public sealed partial class ManifestTests
{
    private static readonly JsonObject Resources = JsonNode.Parse(File.ReadAllText(BuiltPrograms.PathTo("aspire-manifest.json")))![
        "resources"
    ]!.AsObject();

    /// <summary>What azd knows. An executable.v0 would be refused: nothing that runs on a developer's machine only may be published.</summary>
    private static readonly string[] KnownTypes = ["container.v0", "project.v0", "value.v0", "parameter.v0", "annotated.string"];

    [Fact]
    public void Every_resource_is_of_a_type_that_azd_knows() =>
        Assert.All(Resources, resource => Assert.Contains((string?)resource.Value!["type"], KnownTypes));

    [Fact]
    public void Every_resource_of_the_model_is_there() =>
        Assert.Superset(
            (HashSet<string>)
                [
                    "redis",
                    "postgres",
                    "konstruct-db",
                    "konstruct",
                    "schema",
                    "gateway",
                    "orchestrator",
                    "redis-password",
                    "postgres-password",
                    "konstruct-gateway-password",
                    "jwt-issuer",
                    "jwt-audience",
                    "jwt-authority",
                    "jwt-signing-key",
                ],
            Resources.Select(resource => resource.Key).ToHashSet()
        );

    [Fact]
    public void Every_expression_resolves() =>
        Assert.All(
            Strings(Resources).SelectMany(text => Expression().Matches(text)),
            expression =>
            {
                var resource = Resources[expression.Groups["resource"].Value];
                Assert.True(resource is not null, $"{expression.Value}: there is no such resource.");
                Assert.True(
                    Resolves(resource, expression.Groups["path"].Value.Split('.')),
                    $"{expression.Value}: the resource has nothing of that name."
                );
            }
        );

    [Fact]
    public void Every_path_exists_and_stays_inside_the_repository() =>
        Assert.All(
            Resources.Select(resource => (string?)resource.Value!["path"]).OfType<string>(),
            path =>
            {
                Assert.True(File.Exists(BuiltPrograms.PathTo(path)), path);
                Assert.DoesNotContain("..", path, StringComparison.Ordinal);
            }
        );

    [Fact]
    public void Only_the_gateway_can_be_reached_from_outside() =>
        Assert.Equal(
            ["gateway"],
            Resources.Where(resource => Bindings(resource.Value!).Any(binding => (bool?)binding["external"] == true)).Select(resource => resource.Key)
        );

    [Fact]
    public void Every_secret_is_generated_and_none_is_written_down()
    {
        var secrets = Resources.Where(resource => IsSecret(resource.Key)).ToList();
        Assert.Equal(
            ["jwt-signing-key", "konstruct-gateway-password", "postgres-password", "redis-password"],
            secrets.Select(secret => secret.Key).Order()
        );
        Assert.All(
            secrets,
            parameter =>
            {
                var input = parameter.Value!["inputs"]!["value"]!;
                Assert.True((bool?)input["secret"]);
                Assert.NotNull(input["default"]!["generate"]);
                Assert.Null(input["default"]!["value"]);
            }
        );
        Assert.All(
            Strings(Resources).SelectMany(text => PasswordInText().Matches(text)),
            password => Assert.Matches(@"^\{[\w-]+\.value\}$", password.Groups["value"].Value)
        );
        Assert.All(
            Resources.SelectMany(resource => resource.Value!["env"]?.AsObject() ?? []).Where(variable => SecretVariable().IsMatch(variable.Key)),
            variable => Assert.Matches(@"^\{[\w-]+\.value\}$", (string?)variable.Value)
        );
    }

    /// <summary>The key signs tokens by HMAC: 43 letters and digits carry 256 bits, and no shell, YAML or connection string takes one of them for syntax.</summary>
    [Fact]
    public void The_key_of_tokens_is_long_and_plain()
    {
        var rule = Resources["jwt-signing-key"]!["inputs"]!["value"]!["default"]!["generate"]!;
        Assert.True((int?)rule["minLength"] >= 43);
        Assert.False((bool?)rule["special"]);
    }

    /// <summary>azd asks nobody for what has a default; an empty authority means that the key decides.</summary>
    [Theory]
    [InlineData("Issuer", "konstruct-portal")]
    [InlineData("Audience", "konstruct-chat")]
    [InlineData("Authority", "")]
    public void What_the_gateway_believes_of_a_token_is_a_parameter_with_a_default(string setting, string value)
    {
        var name = $"jwt-{setting.ToLowerInvariant()}";
        var input = Resources[name]!["inputs"]!["value"]!;
        Assert.Equal(value, (string?)input["default"]!["value"]);
        Assert.Null(input["secret"]);
        Assert.Equal($"{{{name}.value}}", (string?)Resources["gateway"]!["env"]![$"Auth__Jwt__{setting}"]);
    }

    /// <summary>Whoever holds it can be anybody.</summary>
    [Fact]
    public void Only_the_gateway_is_given_the_key_of_tokens() =>
        Assert.Equal(
            ["gateway"],
            Resources
                .Where(resource => (string?)resource.Value!["type"] is "project.v0" or "container.v0")
                .Where(resource => Strings(resource.Value!).Any(text => text.Contains("{jwt-signing-key.", StringComparison.Ordinal)))
                .Select(resource => resource.Key)
        );

    /// <summary>A deployment decides by itself: it is no Development, trusts nobody's word and captures no prompts.</summary>
    [Fact]
    public void Nothing_of_a_developers_machine_is_published() =>
        Assert.All(
            Resources.SelectMany(resource => resource.Value!["env"]?.AsObject() ?? []),
            variable => Assert.DoesNotMatch("(?i)environment$|auth__mode|letanyone|createmissing|capture_message_content|otlp_endpoint", variable.Key)
        );

    /// <summary>The superuser sees every tenant: row level security does not bind it.</summary>
    [Fact]
    public void Only_the_schema_step_is_given_the_superusers_connection() =>
        Assert.Equal(
            ["schema"],
            Resources
                .Where(resource => (string?)resource.Value!["type"] == "project.v0")
                .Where(project =>
                    Strings(project.Value!)
                        .Any(text =>
                            text.Contains("{konstruct-db.", StringComparison.Ordinal) || text.Contains("{postgres-password", StringComparison.Ordinal)
                        )
                )
                .Select(project => project.Key)
        );

    /// <summary>azd would make a file share of it, and those cannot hold PostgreSQL.</summary>
    [Fact]
    public void No_volume_is_published() => Assert.All(Resources, resource => Assert.Null(resource.Value!["volumes"]));

    private static IEnumerable<JsonNode> Bindings(JsonNode resource) => resource["bindings"]?.AsObject().Select(binding => binding.Value!) ?? [];

    private static IEnumerable<string> Strings(JsonNode? node) =>
        node switch
        {
            JsonObject members => members.SelectMany(member => Strings(member.Value)),
            JsonArray items => items.SelectMany(Strings),
            JsonValue value when value.TryGetValue<string>(out var text) => [text],
            _ => [],
        };

    private static bool Resolves(JsonNode resource, string[] path) =>
        path switch
        {
            ["value"] => resource["value"] is not null,
            ["connectionString"] => resource["connectionString"] is not null,
            ["inputs", var input] => resource["inputs"]?[input] is not null,
            ["bindings", var binding, "host" or "port" or "scheme" or "url" or "targetPort"] => resource["bindings"]?[binding] is not null,
            _ => false,
        };

    [GeneratedRegex(@"\{(?<resource>[\w-]+)\.(?<path>[^{}]+)\}")]
    private static partial Regex Expression();

    private static bool IsSecret(string parameter) =>
        (string?)Resources[parameter]!["type"] == "parameter.v0" && (bool?)Resources[parameter]!["inputs"]!["value"]!["secret"] == true;

    [GeneratedRegex("(?i)password|key|secret")]
    private static partial Regex SecretVariable();

    [GeneratedRegex(@"(?i)\bpassword=(?<value>\{[^}]*\}|[^;,{]*)")]
    private static partial Regex PasswordInText();
}
