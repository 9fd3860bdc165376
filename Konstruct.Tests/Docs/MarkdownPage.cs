using System.Text;
using System.Text.RegularExpressions;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Docs;

/// <summary>A Markdown file of the repository: where it links to, and which anchors GitHub gives its headings.</summary>
internal sealed partial class MarkdownPage
{
    private static readonly string[] Generated = ["bin", "obj", "node_modules", "TestResults", "BenchmarkDotNet.Artifacts"];

    private MarkdownPage(string path)
    {
        Path = path;
        Text = File.ReadAllText(BuiltPrograms.PathTo(path));
        var prose = CodeBlock().Replace(Text, "");
        Links = [.. Link().Matches(CodeSpan().Replace(prose, "")).Select(match => match.Groups["target"].Value)];
        Headings = [.. Heading().Matches(prose).Select(match => match.Groups["text"].Value.Trim())];
        Anchors = AnchorsOf(Headings);
    }

    public static IReadOnlyList<MarkdownPage> All { get; } = [.. Files("*.md").Select(path => new MarkdownPage(path))];

    /// <summary>Relative to the repository's root, with slashes.</summary>
    public string Path { get; }

    public string Text { get; }

    public IReadOnlyList<string> Links { get; }

    public IReadOnlyList<string> Headings { get; }

    public IReadOnlySet<string> Anchors { get; }

    /// <summary>Counts as <c>wc -w</c> does.</summary>
    public int Words => Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;

    public static MarkdownPage Of(string path) => All.Single(page => page.Path == path);

    /// <summary>Files of the source tree that match, without what builds and tools generate.</summary>
    public static IEnumerable<string> Files(string pattern) =>
        from file in Directory.EnumerateFiles(
            BuiltPrograms.RepositoryRoot,
            pattern,
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint }
        )
        let path = System.IO.Path.GetRelativePath(BuiltPrograms.RepositoryRoot, file).Replace('\\', '/')
        let folders = path.Split('/')[..^1]
        where !folders.Any(folder => Generated.Contains(folder) || folder is ".git" or ".konstruct")
        select path;

    /// <summary>GitHub's rule: lower case, letters, digits, hyphens and underscores stay, a space becomes a hyphen, a repeated heading gets a number.</summary>
    private static HashSet<string> AnchorsOf(IEnumerable<string> headings)
    {
        var anchors = new HashSet<string>();
        var seen = new Dictionary<string, int>();
        foreach (var heading in headings)
        {
            var anchor = new StringBuilder();
            foreach (var c in LinkedText().Replace(heading, "$1"))
            {
                if (char.IsLetterOrDigit(c) || c is '-' or '_')
                {
                    anchor.Append(char.ToLowerInvariant(c));
                }
                else if (c == ' ')
                {
                    anchor.Append('-');
                }
            }

            var count = seen[anchor.ToString()] = seen.GetValueOrDefault(anchor.ToString(), -1) + 1;
            anchors.Add(count == 0 ? anchor.ToString() : $"{anchor}-{count}");
        }

        return anchors;
    }

    [GeneratedRegex(@"^ *(```+)[^\n]*\n.*?^ *\1 *$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex("`[^`\n]+`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex LinkedText();

    [GeneratedRegex(@"^#{1,6} (?<text>.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
