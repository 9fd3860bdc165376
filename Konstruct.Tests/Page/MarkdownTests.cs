using Konstruct.Tests.Clients;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Page;

/// <summary>The page's Markdown under Node: 50 blocks of <c>a|b</c> and 19,900 spaces froze the page for 28 s.</summary>
public sealed class MarkdownTests
{
    [Fact]
    public async Task No_answer_freezes_the_page()
    {
        using var folder = new TemporaryFolder();
        foreach (
            var file in Directory
                .EnumerateFiles(NodeTools.PageFiles, "*.js")
                .Append(Path.Combine(BuiltPrograms.RepositoryRoot, "Konstruct.Tests", "Page", "Node", "markdown.test.mjs"))
        )
        {
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)));
        }

        await File.WriteAllTextAsync(Path.Combine(folder.Path, "package.json"), """{"type":"module"}""", TestContext.Current.CancellationToken);

        var (exitCode, output) = await NodeTools.RunAsync(
            "node",
            ["--test", "--test-timeout=90000", "--test-reporter=tap", "markdown.test.mjs"],
            folder.Path
        );

        Assert.True(exitCode == 0, output);
        Assert.Contains("# pass 28", output, StringComparison.Ordinal);
    }
}
