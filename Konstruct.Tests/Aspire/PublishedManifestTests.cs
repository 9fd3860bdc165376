using System.Text.Json.Nodes;
using CliWrap;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Aspire;

/// <summary>The committed manifest is what the AppHost publishes today.</summary>
public sealed class PublishedManifestTests
{
    [Fact]
    public async Task The_committed_manifest_is_the_published_one() =>
        Assert.Equal(Read(BuiltPrograms.PathTo("aspire-manifest.json")), await PublishAsync());

    /// <summary>With stores that are managed, the connection strings are what the operator is asked for, and no container is published.</summary>
    [Fact]
    public async Task Managed_stores_are_parameters()
    {
        var resources = JsonNode.Parse(await PublishAsync("--Hosting:Stores=managed"))!["resources"]!.AsObject();

        Assert.DoesNotContain(resources, resource => (string?)resource.Value!["type"] == "container.v0");
        foreach (var name in (string[])["redis", "konstruct-db", "konstruct"])
        {
            Assert.Equal("parameter.v0", (string?)resources[name]!["type"]);
            Assert.True((bool?)resources[name]!["inputs"]!["value"]!["secret"]);
        }
        Assert.Null(resources["gateway"]!["env"]!["ConnectionStrings__konstruct-db"]);
        Assert.Equal("{konstruct.connectionString}", (string?)resources["gateway"]!["env"]!["ConnectionStrings__konstruct"]);
    }

    /// <summary>An operator's own orchestrator takes the stub's place, fed by its own kind of queue.</summary>
    [Fact]
    public async Task A_model_without_the_stub_feeds_a_Celery_queue()
    {
        var resources = JsonNode.Parse(
            await PublishAsync(
                "--Orchestrator=none",
                "--Dispatch:Queue=celery",
                "--Dispatch:Celery:List=portal",
                "--ConnectionStrings:celery=broker.example:6379"
            )
        )!["resources"]!;

        Assert.Null(resources["orchestrator"]);
        var environment = resources["gateway"]!["env"]!;
        Assert.Equal("celery", (string?)environment["Dispatch__Queue"]);
        Assert.Equal("portal", (string?)environment["Dispatch__Celery__List"]);
        Assert.Equal("{celery.connectionString}", (string?)environment["ConnectionStrings__celery"]);
        Assert.Equal("parameter.v0", (string?)resources["celery"]!["type"]);
    }

    /// <summary>Replicas belong to a developer's machine; where it is deployed the platform decides.</summary>
    [Fact]
    public async Task Replicas_are_no_part_of_the_manifest() => Assert.Equal(await PublishAsync(), await PublishAsync("--Replicas", "2"));

    private static async Task<string> PublishAsync(params string[] options)
    {
        var folder = Directory.CreateTempSubdirectory("konstruct-manifest-").FullName;
        try
        {
            // From its own folder: beside the tests it would find their versions of its libraries.
            var program = Path.Combine(
                AppContext.BaseDirectory.Replace("Konstruct.Tests", "Konstruct.AppHost", StringComparison.Ordinal),
                "Konstruct.AppHost.dll"
            );
            var published = Path.Combine(folder, "aspire-manifest.json");
            await Cli.Wrap("dotnet")
                .WithArguments([program, "--publisher", "manifest", "--output-path", published, .. options])
                .ExecuteAsync(TestContext.Current.CancellationToken);
            return Read(published);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Reads a manifest; paths in it are relative to its folder, which is not the same for both.</summary>
    private static string Read(string file)
    {
        var manifest = JsonNode.Parse(File.ReadAllText(file))!;
        foreach (var (_, resource) in manifest["resources"]!.AsObject())
        {
            if ((string?)resource!["path"] is { } path)
            {
                resource["path"] = Path.GetFullPath(path, Path.GetDirectoryName(file)!);
            }
        }
        return manifest.ToString();
    }
}
