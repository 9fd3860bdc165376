using System.Text.Json.Nodes;
using CliWrap;
using CliWrap.Buffered;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Deployment;

/// <summary>What <c>dotnet publish -t:PublishContainer</c> makes of a service, up to the moment at which it would fetch the base image.</summary>
public sealed class ImageTests
{
    [Theory]
    [InlineData("Konstruct.Gateway", "konstruct-gateway")]
    [InlineData("Konstruct.OrchestratorStub", "konstruct-orchestrator")]
    public async Task An_image_is_small_without_root_and_says_what_it_is(string project, string repository)
    {
        var config = await EvaluateAsync(project);
        Assert.Equal(repository, Property("ContainerRepository"));
        Assert.EndsWith("dotnet/aspnet:10.0-noble-chiseled", Property("ContainerBaseImage"), StringComparison.Ordinal);
        // By number: Kubernetes refuses a name where runAsNonRoot is wanted.
        Assert.Equal("1654", Property("ContainerUser"));
        // The base image listens there, and azd takes the ingress's target port from it.
        Assert.Equal(["8080/tcp"], Items("ContainerPort").Select(port => $"{port["Identity"]}/{port["Type"]}"));
        Assert.Equal(["dotnet", $"/app/{project}.dll"], Items("ContainerAppCommand").Select(part => (string)part["Identity"]!));
        // Settings come from the platform: an image that says Development would believe every client.
        Assert.Empty(Items("ContainerEnvironmentVariable"));
        var labels = Items("ContainerLabel").ToDictionary(label => (string)label["Identity"]!, label => (string)label["Value"]!);
        Assert.Equal(repository, labels["org.opencontainers.image.title"]);
        Assert.Equal("MIT", labels["org.opencontainers.image.licenses"]);
        Assert.NotEmpty(labels["org.opencontainers.image.description"]);

        string Property(string name) => (string)config["Properties"]![name]!;

        IEnumerable<JsonNode> Items(string name) => config["Items"]![name]!.AsArray().Select(item => item!);
    }

    /// <summary>The page, the seed, the token command and Scalar are for developers.</summary>
    [Theory]
    [InlineData("Debug", true)]
    [InlineData("Release", false)]
    public async Task A_published_gateway_has_no_tools_of_developers(string configuration, bool hasTools)
    {
        var build = await EvaluateAsync(
            "Konstruct.Gateway",
            $"-p:Configuration={configuration}",
            "-getItem:PackageReference,EmbeddedResource,Compile",
            "-getProperty:DefineConstants"
        );
        Assert.Equal(hasTools, Has("PackageReference", "Scalar.AspNetCore"));
        Assert.Equal(hasTools, Has("EmbeddedResource", "clients/page/"));
        Assert.Equal(hasTools, Has("Compile", "Development/"));
        Assert.Equal(hasTools, ((string)build["Properties"]!["DefineConstants"]!).Split(';').Contains("DEVELOPMENT_TOOLS"));
        Assert.True(Has("PackageReference", "Microsoft.AspNetCore.OpenApi"));

        bool Has(string kind, string part) =>
            build["Items"]![kind]!.AsArray().Any(item => ((string)item!["Identity"]!).Replace('\\', '/').Contains(part, StringComparison.Ordinal));
    }

    private static Task<JsonNode> EvaluateAsync(string project) =>
        EvaluateAsync(
            project,
            "-t:ComputeContainerConfig",
            "-getProperty:ContainerRepository,ContainerBaseImage,ContainerUser",
            "-getItem:ContainerPort,ContainerAppCommand,ContainerEnvironmentVariable,ContainerLabel"
        );

    private static async Task<JsonNode> EvaluateAsync(string project, params string[] arguments)
    {
        var result = await Cli.Wrap("dotnet")
            .WithArguments(["msbuild", Path.Combine(BuiltPrograms.RepositoryRoot, project), .. arguments])
            .WithEnvironmentVariables(variables => variables.Set("MSBUILDDISABLENODEREUSE", "1"))
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
        Assert.True(result.ExitCode == 0, result.StandardOutput);
        return JsonNode.Parse(result.StandardOutput)!;
    }
}
