using System.Globalization;
using System.Text;

namespace Konstruct.Gateway.Conversations;

/// <summary>
/// Searches titles by a part, without regard to case. PostgreSQL's <c>ILIKE</c> and <c>lower</c> follow the database's locale and
/// change only ASCII letters in the locale C, so the pattern itself names both cases of each letter.
/// </summary>
internal static class TitleSearch
{
    /// <summary>Makes a regular expression of PostgreSQL that matches titles with this part. All characters are literal.</summary>
    public static string PatternOf(string part)
    {
        var pattern = new StringBuilder(part.Length * 4);
        foreach (var rune in part.EnumerateRunes())
        {
            var (lower, upper) = (Rune.ToLowerInvariant(rune), Rune.ToUpperInvariant(rune));
            if (lower != upper)
            {
                pattern.Append(CultureInfo.InvariantCulture, $"[{lower}{upper}]");
            }
            else
            {
                // Only ASCII has special characters. A backslash before what a locale takes for a letter is an error.
                pattern.Append(rune.IsAscii && !Rune.IsLetterOrDigit(rune) ? "\\" : "").Append(rune);
            }
        }

        return pattern.ToString();
    }
}
