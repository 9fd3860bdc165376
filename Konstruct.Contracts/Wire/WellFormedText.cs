using System.Text;
using System.Text.Unicode;

namespace Konstruct.Contracts.Wire;

/// <summary>Text that UTF-8 and Postgres can hold.</summary>
public static class WellFormedText
{
    /// <summary>The text with every lone surrogate replaced by U+FFFD; the same instance when there is none.</summary>
    public static string ToWellFormed(this string text)
    {
        var first = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        if (first < 0)
        {
            return text;
        }

        for (var i = first; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
            {
                continue;
            }

            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]))
            {
                i++;
                continue;
            }

            return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        }

        return text;
    }

    /// <summary>UTF-8 with every invalid sequence replaced by U+FFFD; the same memory when there is none.</summary>
    public static ReadOnlyMemory<byte> ToWellFormed(this ReadOnlyMemory<byte> utf8) =>
        Utf8.IsValid(utf8.Span) ? utf8 : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(utf8.Span));

    /// <summary>As <see cref="ToWellFormed(string)"/>, and with NUL, which Postgres refuses in text, replaced by U+FFFD too.</summary>
    public static string ToStorable(this string text) => text.ToWellFormed().Replace('\0', '\uFFFD');

    /// <summary>Likewise UTF-8, with whatever is none replaced by U+FFFD; the same memory where there is nothing to replace.</summary>
    public static ReadOnlyMemory<byte> ToStorable(this ReadOnlyMemory<byte> utf8) =>
        Utf8.IsValid(utf8.Span) && !utf8.Span.Contains((byte)0) ? utf8 : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(utf8.Span).ToStorable());
}
