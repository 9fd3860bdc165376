using Konstruct.Tests.Clients;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Deployment;

/// <summary>A clone has the bytes that were committed, whatever the machine's Git does to line ends: <c>core.autocrlf</c> broke eng/faults and .ci/run.</summary>
public sealed class LineEndingTests
{
    private static readonly string[] Files =
    [
        ".gitattributes",
        ".ci/run",
        "eng/faults",
        "docs/images/trace.png",
        "Konstruct.Contracts/Redis/Scripts/claim.lua",
    ];

    [Fact]
    public async Task A_clone_with_autocrlf_has_the_bytes_that_were_committed()
    {
        using var folder = new TemporaryFolder();
        var (origin, clone) = (Directory.CreateDirectory(Path.Combine(folder.Path, "origin")).FullName, Path.Combine(folder.Path, "clone"));
        foreach (var file in Files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(origin, file))!);
            File.Copy(BuiltPrograms.PathTo(file), Path.Combine(origin, file));
        }

        await GitAsync(origin, "init", "--quiet");
        await GitAsync(origin, "add", "--all");
        await GitAsync(origin, "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "--message", "all");
        await GitAsync(folder.Path, "clone", "--quiet", "--config", "core.autocrlf=true", origin, clone);

        Assert.All(Files, file => Assert.Equal(File.ReadAllBytes(BuiltPrograms.PathTo(file)), File.ReadAllBytes(Path.Combine(clone, file))));
    }

    private static async Task GitAsync(string folder, params string[] arguments)
    {
        var (exitCode, output) = await NodeTools.RunAsync("git", arguments, folder);
        Assert.True(exitCode == 0, output);
    }
}
