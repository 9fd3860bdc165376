using Konstruct.AppHost.Standalone;
using Konstruct.AppHost.Standalone.Manifests;
using Konstruct.AppHost.Standalone.Parameters;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Standalone;

public sealed class ManifestTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void The_committed_manifest_resolves()
    {
        var manifest = Manifest.Read(Path.Combine(BuiltPrograms.RepositoryRoot, Manifest.FileName));
        var ports = PortPlan.Make(manifest, new Dictionary<string, int>());
        var resolver = ResolverOf(manifest, ports);

        Assert.Equal("redis, postgres, schema, orchestrator, gateway", manifest.ProcessNames);
        foreach (var text in manifest.Resources.Values.SelectMany(resource => resource.Env.Values))
            Assert.DoesNotContain('{', resolver.Resolve(text));
        Assert.Equal(["postgres"], resolver.ProcessesBehind("schema"));
        Assert.Equal(["postgres", "redis"], resolver.ProcessesBehind("gateway").Order());
        Assert.Equal(["redis"], resolver.ProcessesBehind("orchestrator"));
        Assert.Equal($"Host=127.0.0.1;Port={ports["postgres", "tcp"].Port};Username=konstruct_gateway;Password={resolver.Resolve("{konstruct-gateway-password.value}")};Database=konstruct",
            resolver.Resolve(manifest["gateway"].Env["ConnectionStrings__konstruct"]));
        // Browsers and the portal's developers know the gateway by its port.
        Assert.Equal(5180, ports.HttpOf("gateway").Port);
        Assert.NotEqual(5180, ports.HttpOf("schema").Port);
    }

    [Fact]
    public void Bindings_have_parts()
    {
        var manifest = Read(SampleManifest.Redis, SampleManifest.Project("gateway"));
        var ports = PortPlan.Make(manifest, new Dictionary<string, int> { ["gateway"] = 4711 });
        var resolver = ResolverOf(manifest, ports);
        var redis = ports["redis", "tcp"].Port;
        Assert.Equal($"redis://127.0.0.1:{redis} redis 127.0.0.1 {redis} {redis} False", resolver.Resolve(
            "{redis.bindings.tcp.url} {redis.bindings.tcp.scheme} {redis.bindings.tcp.host} {redis.bindings.tcp.port} {redis.bindings.tcp.targetPort} {redis.bindings.tcp.tlsEnabled}"));
        Assert.Equal("http://localhost:4711 http://localhost:4711", resolver.Resolve("{gateway.bindings.http.url} {gateway.bindings.https.url}"));
    }

    [Fact]
    public void An_annotated_string_is_encoded_for_a_URL()
    {
        var manifest = Read(
            """ "password": { "type": "parameter.v0", "value": "{password.inputs.value}", "inputs": { "value": { "default": { "value": "a/b @c" } } } } """,
            """ "encoded": { "type": "annotated.string", "value": "{password.value}", "filter": "uri" } """);
        Assert.Equal("a%2Fb%20%40c", ResolverOf(manifest).Resolve("{encoded.value}"));
    }

    [Theory]
    [InlineData("""{ }""", "it lists no resources")]
    [InlineData("""{ "resources": { } }""", "it lists no resources")]
    [InlineData("""{ "resources": { "a": { } } }""", "resource 'a' has no type")]
    [InlineData("""{ "resources": { "a": { "type": "container.v0" } } }""", "resource 'a' (container.v0) has no image")]
    [InlineData("""{ "resources": { "a": { "type": "project.v0" } } }""", "resource 'a' (project.v0) has no path")]
    [InlineData("""{ "resources": { "a": { "type": "parameter.v0" } } }""", "resource 'a' (parameter.v0) has no value")]
    [InlineData("""{ "resources": { "a": 7 } }""", "line 1: ")]
    [InlineData("""[]""", "line 1: ")]
    [InlineData("", "line 1: ")]
    public void A_broken_manifest_is_said_to_be_broken(string text, string what)
    {
        var file = Path.Combine(_folder.Path, "aspire-manifest.json");
        File.WriteAllText(file, text);
        var sentence = Assert.Throws<CannotRunException>(() => Manifest.Read(file)).Message;
        Assert.StartsWith($"{file} is broken: {what}", sentence, StringComparison.Ordinal);
        Assert.Contains("--publisher manifest", sentence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(""" "type": "azure.bicep.v0", "path": "x.bicep" """, "azure.bicep.v0")]
    [InlineData(""" "type": "executable.v0", "command": "node" """, "executable.v0")]
    [InlineData(""" "type": "container.v1", "build": { "context": ".", "dockerfile": "Dockerfile" } """, "container.v1")]
    public void What_only_Aspire_can_run_is_said(string resource, string type) => Assert.Contains(
        $"is of type {type}, which needs Aspire", Assert.Throws<CannotRunException>(() => Read($$"""  "a": { {{resource}} }  """)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{b.value}", "an expression names 'b', which is no resource of it")]
    [InlineData("{a.value.more}", "nothing stands for the expression {a.value.more}")]
    [InlineData("{a}", "nothing stands for the expression {a}")]
    [InlineData("{a.bindings.tcp.port}", "nothing stands for the expression {a.bindings.tcp.port}")]
    [InlineData("{redis.bindings.tcp.colour}", "nothing stands for the expression {redis.bindings.tcp.colour}")]
    [InlineData("{a.value", "the brace at position 1 of \"{a.value\" is not closed")]
    [InlineData("{circle.value}", "{circle.value} → {round.value} → {circle.value} runs in a circle")]
    public void An_expression_that_leads_nowhere_is_said(string expression, string what)
    {
        var manifest = Read(SampleManifest.Redis,
            """ "a": { "type": "value.v0", "value": "x" } """,
            """ "circle": { "type": "value.v0", "value": "{round.value}" }, "round": { "type": "value.v0", "value": "{circle.value}" } """);
        Assert.Contains($"is broken: {what}", Assert.Throws<CannotRunException>(() => ResolverOf(manifest).Resolve(expression)).Message, StringComparison.Ordinal);
    }

    private Manifest Read(params string[] resources) => Manifest.Read(SampleManifest.Write(_folder, resources));

    private Resolver ResolverOf(Manifest manifest, PortPlan? ports = null) => new(
        manifest,
        ports ?? PortPlan.Make(manifest, new Dictionary<string, int>()),
        new ParameterValues(Path.Combine(_folder.Path, "parameters.json"), new Dictionary<string, string>(), _ => null));

    public void Dispose() => _folder.Dispose();
}
