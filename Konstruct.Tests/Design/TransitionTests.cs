using System.Text.RegularExpressions;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Design;

/// <summary>The page of the model names for each transition the lines that it stands for. A script that changes must change the page, and then the model.</summary>
public sealed partial class TransitionTests
{
    private static readonly string Root = BuiltPrograms.RepositoryRoot;

    private static readonly (string File, string[] Lines)[] Rows =
    [
        .. File.ReadAllText(Path.Combine(Root, "docs", "design", "model.md"))
            .Split("\n## ")
            .Single(section => section.StartsWith("Transitions\n", StringComparison.Ordinal))
            .Split('\n')
            .Select(line => CellBorder().Split(line))
            .Where(cells => cells.Length == 5 && SourceFile().IsMatch(cells[2]))
            .Select(cells => (SourceFile().Match(cells[2]).Groups[1].Value, Quotes(cells[3]))),
    ];

    [Fact]
    public void Every_quoted_line_is_in_its_file()
    {
        Assert.True(Rows.Length > 15, $"Only {Rows.Length} rows were read.");
        foreach (var (file, lines) in Rows)
        {
            Assert.NotEmpty(lines);
            var text = TextOf(file);
            foreach (var line in lines)
            {
                Assert.True(text.Contains(line, StringComparison.Ordinal), $"{file} has no `{line}`: compare the script with the model.");
            }
        }
    }

    [Fact]
    public void Every_refusal_of_a_script_is_quoted()
    {
        var scripts = Rows.Where(row => row.File.EndsWith(".lua", StringComparison.Ordinal)).ToArray();
        var refusals = 0;
        foreach (var (file, lines) in scripts)
        {
            foreach (
                var refusal in TextOf(file).Split('\n').Where(line => !line.StartsWith("--", StringComparison.Ordinal) && Refusal().IsMatch(line))
            )
            {
                refusals++;
                Assert.True(
                    lines.Any(refusal.Contains),
                    $"{file} refuses by `{refusal.Trim()}`, which docs/design/model.md does not quote: add it to the model."
                );
            }
        }

        Assert.True(refusals > 8, $"Only {refusals} refusals were found.");
    }

    private static string TextOf(string file) =>
        File.ReadAllText(
            Assert.Single(
                new[] { "Konstruct.Contracts", "Konstruct.Gateway" }.SelectMany(project =>
                    Directory.GetFiles(Path.Combine(Root, project), file, SearchOption.AllDirectories)
                )
            )
        );

    private static string[] Quotes(string cell) =>
        [.. Quote().Matches(cell).Select(quote => quote.Groups[1].Value.Replace(@"\|", "|", StringComparison.Ordinal))];

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex CellBorder();

    [GeneratedRegex(@"^ `([\w.]+\.(?:lua|cs))` $")]
    private static partial Regex SourceFile();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quote();

    [GeneratedRegex(@"\breturn -\d")]
    private static partial Regex Refusal();
}
