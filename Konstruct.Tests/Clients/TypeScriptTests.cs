using System.IO.Compression;
using System.Text;
using Xunit;

namespace Konstruct.Tests.Clients;

/// <summary>
/// The client's JavaScript is committed, so that <c>dotnet run</c> needs no npm: here it is compiled again. The page's modules are JavaScript with types in
/// comments, which the same compiler checks against the client's.
/// </summary>
public sealed class TypeScriptTests
{
    private static readonly string Dist = Path.Combine(NodeTools.Client, "dist");

    [Fact]
    public async Task The_committed_javascript_is_what_the_compiler_makes_of_the_source()
    {
        var copy = await NodeTools.ClientCopyAsync();
        var built = Path.Combine(copy, "built");
        var compiler = Path.Combine("node_modules", ".bin", "tsc");
        foreach (var extra in new string[][] { [], ["--emitDeclarationOnly", "--removeComments", "false"] })
        {
            var (exitCode, output) = await NodeTools.RunAsync(Path.Combine(copy, compiler), ["--outDir", built, .. extra], copy);
            Assert.True(exitCode == 0, output);
        }

        Assert.Equal(FilesOf(built), FilesOf(Dist));
    }

    [Fact]
    public async Task The_pages_modules_agree_with_the_clients_types()
    {
        var copy = await NodeTools.ClientCopyAsync();
        var (exitCode, output) = await NodeTools.RunAsync(Path.Combine(copy, "node_modules", ".bin", "tsc"), ["-p", "tsconfig.page.json"], copy);
        Assert.True(exitCode == 0, output);
    }

    /// <summary>As a portal's bundler makes it: one minified file without what other packages provide, compressed.</summary>
    [Theory]
    [InlineData("index.js", 4_500)]
    public async Task Each_entry_stays_small(string entry, int most)
    {
        var copy = await NodeTools.ClientCopyAsync();
        var (exitCode, bundle) = await NodeTools.RunAsync(
            Path.Combine(copy, "node_modules", ".bin", "esbuild"),
            [Path.Combine("dist", entry), "--bundle", "--minify", "--format=esm", "--packages=external", "--log-level=error"],
            copy
        );
        Assert.True(exitCode == 0, bundle);
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            gzip.Write(Encoding.UTF8.GetBytes(bundle));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{entry}: {compressed.Length} bytes");
        Assert.InRange(compressed.Length, 200, most);
    }

    [Fact]
    public void The_client_depends_on_nothing()
    {
        var package = File.ReadAllText(Path.Combine(NodeTools.Client, "package.json"));
        Assert.DoesNotContain("\"dependencies\"", package, StringComparison.Ordinal);
        Assert.All(Directory.EnumerateFiles(Dist, "*.js"), file => Assert.DoesNotMatch("""(from|import\()\s*'(?!\./)""", File.ReadAllText(file)));
    }

    private static Dictionary<string, string> FilesOf(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).ToDictionary(file => Path.GetRelativePath(folder, file), File.ReadAllText);
}
