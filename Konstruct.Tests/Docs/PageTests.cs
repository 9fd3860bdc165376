using System.Reflection;
using System.Text.RegularExpressions;
using Konstruct.Gateway.Protocol;
using Xunit;

namespace Konstruct.Tests.Docs;

/// <summary>What every page keeps to.</summary>
public sealed partial class PageTests
{
    public static TheoryData<string> Pages => [.. MarkdownPage.All.Select(page => page.Path)];

    /// <summary>A longer page is two pages.</summary>
    [Theory]
    [MemberData(nameof(Pages))]
    public void A_page_has_at_most_2500_words(string path) => Assert.InRange(MarkdownPage.Of(path).Words, 1, 2_500);

    [Fact]
    public void Every_guide_and_design_page_says_what_goes_wrong()
    {
        string[] records = ["docs/design/decisions.md", "docs/design/performance-log.md", "docs/design/performance-log-postgres.md"]; // What was decided and tried.
        var pages = MarkdownPage
            .All.Where(page =>
                page.Path.StartsWith("docs/guide/", StringComparison.Ordinal) || page.Path.StartsWith("docs/design/", StringComparison.Ordinal)
            )
            .ToList();

        Assert.NotEmpty(pages);
        Assert.Empty(pages.Where(page => !records.Contains(page.Path) && !page.Headings.Contains("What goes wrong")).Select(page => page.Path));
    }

    [Fact]
    public void The_index_links_to_every_page()
    {
        var linked = MarkdownPage.Of("docs/README.md").Links.Select(link => $"docs/{link}");

        Assert.Empty(
            MarkdownPage
                .All.Select(page => page.Path)
                .Where(path => path.StartsWith("docs/", StringComparison.Ordinal) && path != "docs/README.md")
                .Except(linked)
        );
    }

    /// <summary>A row that names its test keeps its promise only as long as the test exists.</summary>
    [Fact]
    public void Every_test_that_a_page_names_exists()
    {
        var types = typeof(PageTests).Assembly.GetTypes().Select(type => type.Name).ToHashSet();
        var named = MarkdownPage
            .All.SelectMany(page => TestName().Matches(page.Text), (page, match) => (page.Path, Name: match.Groups[1].Value))
            .ToList();

        Assert.True(named.Count > 30, $"Only {named.Count} names were found.");
        Assert.Empty(named.Where(each => !types.Contains(each.Name)).Select(each => $"{each.Path}: {each.Name}"));
    }

    /// <summary>A client's log or a ticket can link to the one code that it is about.</summary>
    [Fact]
    public void Every_error_and_close_code_has_a_heading_to_link_to()
    {
        var closeCodes = typeof(CloseCodes)
            .GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => $"close-{field.GetRawConstantValue()}");

        Assert.Empty(
            WireError.All.Select(error => $"error-{error.Code}").Concat(closeCodes).Except(MarkdownPage.Of("docs/reference/protocol.md").Anchors)
        );
    }

    [GeneratedRegex(@"`([A-Z]\w+(?:Tests|OnGarnet|OnRedis|OverPgBouncer))\b")]
    private static partial Regex TestName();
}
