using System.Text.RegularExpressions;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Docs;

/// <summary>A page that is moved or a heading that is renamed takes its links with it.</summary>
public sealed partial class LinkTests
{
    private static readonly string[] Sources =
    [
        "*.cs",
        "*.js",
        "*.ts",
        "*.yaml",
        "*.yml",
        "*.props",
        "*.csproj",
        "*.json",
        "*.lua",
        "*.sql",
        "*.mjs",
    ];

    [Fact]
    public void Every_relative_link_leads_to_a_file_and_an_anchor_that_exist()
    {
        var links = MarkdownPage
            .All.SelectMany(page => page.Links, (page, link) => (page, link))
            .Where(each => !IsAddress().IsMatch(each.link))
            .ToList();

        Assert.True(links.Count > 50, $"Only {links.Count} links were found.");
        Assert.Empty(links.Where(each => !Resolves(each.page, each.link)).Select(each => $"{each.page.Path}: {each.link}"));
    }

    /// <summary>Comments, messages and scripts name pages by their path from the repository's root.</summary>
    [Fact]
    public void Every_page_that_a_source_file_names_exists()
    {
        var files = Sources
            .SelectMany(MarkdownPage.Files)
            .Concat(
                MarkdownPage
                    .Files("*")
                    .Where(path =>
                        path.StartsWith("eng/", StringComparison.Ordinal)
                        || path.StartsWith(".ci/", StringComparison.Ordinal)
                        || path.StartsWith("bench/", StringComparison.Ordinal)
                    )
            )
            .Distinct();
        var named = files
            .SelectMany(file => PageName().Matches(File.ReadAllText(BuiltPrograms.PathTo(file))), (file, match) => (file, page: match.Value))
            .ToList();

        Assert.True(named.Count > 10, $"Only {named.Count} names were found.");
        Assert.Empty(named.Where(each => !File.Exists(BuiltPrograms.PathTo(each.page))).Select(each => $"{each.file}: {each.page}"));
    }

    private static bool Resolves(MarkdownPage page, string link)
    {
        var (target, anchor) = link.Split('#', 2) is [var before, var after] ? (before, after) : (link, null);
        var path =
            target.Length == 0
                ? page.Path
                : Path.GetRelativePath(
                        BuiltPrograms.RepositoryRoot,
                        Path.Combine(BuiltPrograms.RepositoryRoot, Path.GetDirectoryName(page.Path)!, target)
                    )
                    .Replace('\\', '/');
        if (!File.Exists(BuiltPrograms.PathTo(path)) && !Directory.Exists(BuiltPrograms.PathTo(path)))
        {
            return false;
        }

        return anchor is null || MarkdownPage.Of(path).Anchors.Contains(anchor);
    }

    [GeneratedRegex("^[a-z]+:")]
    private static partial Regex IsAddress();

    [GeneratedRegex(@"(?<![\w/.])docs/[\w/-]+\.(md|yaml|png)")]
    private static partial Regex PageName();
}
