using System.Reflection;
using System.Text.RegularExpressions;
using Konstruct.Gateway.Protocol;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Docs;

/// <summary>The tables of docs/reference/protocol.md are the types' own: whoever changes one is told of the other.</summary>
public sealed partial class ProtocolPageTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(BuiltPrograms.RepositoryRoot, "docs", "reference", "protocol.md"));

    [Fact]
    public void The_page_lists_every_error_with_its_words_and_whether_to_try_again()
    {
        var listed = ErrorRow().Matches(Page).Select(row => new WireError(row.Groups[1].Value, row.Groups[2].Value, row.Groups[3].Value == "yes"));

        Assert.Equal(WireError.All, listed);
    }

    [Fact]
    public void Every_error_there_is_is_in_the_list_of_all()
    {
        var fields = typeof(WireError).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (WireError)field.GetValue(null)!);

        Assert.Equal(fields.OrderBy(error => error.Code), WireError.All.OrderBy(error => error.Code));
    }

    [Fact]
    public void The_page_lists_every_close_code()
    {
        var codes = typeof(CloseCodes)
            .GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (int)field.GetRawConstantValue()!)
            .Order();

        Assert.Equal(
            codes,
            CloseRow().Matches(Page).Select(row => int.Parse(row.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture))
        );
    }

    [GeneratedRegex(@"^\| `([a-z_]+)` \| ([^|]+) \| (yes|no) \|", RegexOptions.Multiline)]
    private static partial Regex ErrorRow();

    [GeneratedRegex(@"^\| (\d{4}) \|", RegexOptions.Multiline)]
    private static partial Regex CloseRow();
}
