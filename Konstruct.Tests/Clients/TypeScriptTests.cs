using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace Konstruct.Tests.Clients;

/// <summary>
/// The client's JavaScript is committed, so that <c>dotnet run</c> needs no npm: here it is compiled again. The page's modules are JavaScript with types in
/// comments, which the same compiler checks against the client's.
/// </summary>
public sealed partial class TypeScriptTests
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

    /// <summary>What an entry adds to the entries that it is used with.</summary>
    [Theory]
    [InlineData(4_500, "index")]
    [InlineData(1_500, "history/index", "index")]
    [InlineData(1_500, "ai-sdk/index", "index", "history/index")]
    [InlineData(1_500, "react/index", "index", "history/index")]
    public async Task Each_entry_stays_small(int most, string entry, params string[] others)
    {
        var size = await SizeAsync([.. others, entry]) - (others.Length == 0 ? 0 : await SizeAsync(others));
        TestContext.Current.TestOutputHelper?.WriteLine($"{entry}: {size} bytes");
        Assert.InRange(size, 200, most);
    }

    [Fact]
    public void The_client_depends_on_nothing_and_react_only_where_it_says_so()
    {
        var package = File.ReadAllText(Path.Combine(NodeTools.Client, "package.json"));
        Assert.DoesNotContain("\"dependencies\"", package, StringComparison.Ordinal);
        foreach (var (file, text) in FilesOf(Dist).Where(file => file.Key.EndsWith(".js", StringComparison.Ordinal)))
        {
            var foreign = Foreign().Matches(text).Select(import => import.Groups[1].Value);
            Assert.Equal(file == Path.Combine("react", "use-conversation.js") ? ["react"] : [], foreign);
        }
    }

    /// <summary>As a portal's bundler makes it: one minified file without what other packages provide, compressed.</summary>
    private static async Task<long> SizeAsync(IReadOnlyList<string> entries)
    {
        var copy = await NodeTools.ClientCopyAsync();
        var all = $"all-{Guid.NewGuid():N}.mjs";
        await File.WriteAllLinesAsync(
            Path.Combine(copy, all),
            entries.Select(entry => $"export * from './dist/{entry}.js';"),
            TestContext.Current.CancellationToken
        );
        var (exitCode, bundle) = await NodeTools.RunAsync(
            Path.Combine(copy, "node_modules", ".bin", "esbuild"),
            [all, "--bundle", "--minify", "--format=esm", "--packages=external", "--log-level=error"],
            copy
        );
        Assert.True(exitCode == 0, bundle);
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            gzip.Write(Encoding.UTF8.GetBytes(bundle));
        }

        return compressed.Length;
    }

    private static Dictionary<string, string> FilesOf(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).ToDictionary(file => Path.GetRelativePath(folder, file), File.ReadAllText);

    [GeneratedRegex("""(?:from|import\(?)\s*'([^.'][^']*)'""")]
    private static partial Regex Foreign();
}
