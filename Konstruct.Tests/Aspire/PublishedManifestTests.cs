#if ASPIRE
using System.Text.Json.Nodes;
using CliWrap;
using Xunit;

namespace Konstruct.Tests.Aspire;

/// <summary>The committed manifest is what the AppHost publishes today.</summary>
public sealed class PublishedManifestTests
{
    [Fact]
    public async Task The_committed_manifest_is_the_published_one()
    {
        var folder = Directory.CreateTempSubdirectory("konstruct-manifest-").FullName;
        try
        {
            // From its own folder: beside the tests it would find their versions of its libraries.
            var program = Path.Combine(AppContext.BaseDirectory.Replace("Konstruct.Tests", "Konstruct.AppHost", StringComparison.Ordinal), "Konstruct.AppHost.dll");
            var published = Path.Combine(folder, "aspire-manifest.json");
            await Cli.Wrap("dotnet")
                .WithArguments([program, "--publisher", "manifest", "--output-path", published])
                .ExecuteAsync(TestContext.Current.CancellationToken);

            Assert.Equal(Read(SourceTree.Path("aspire-manifest.json")), Read(published));
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
                resource["path"] = Path.GetFullPath(path, Path.GetDirectoryName(file)!);
        }
        return manifest.ToString();
    }
}
#endif
