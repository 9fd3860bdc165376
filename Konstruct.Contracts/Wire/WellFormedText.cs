using System.Text;
using System.Text.Unicode;

namespace Konstruct.Contracts.Wire;

/// <summary>Converts text to a form that UTF-8 and Postgres can store.</summary>
public static class WellFormedText
{
    /// <summary>Replaces every lone surrogate by U+FFFD; returns the same instance if there is none.</summary>
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

    /// <summary>Replaces every invalid UTF-8 sequence by U+FFFD; returns the same memory if there is none.</summary>
    public static ReadOnlyMemory<byte> ToWellFormed(this ReadOnlyMemory<byte> utf8) =>
        Utf8.IsValid(utf8.Span) ? utf8 : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(utf8.Span));

    /// <summary>Like <see cref="ToWellFormed(string)"/>, and also replaces NUL, which Postgres refuses in text, by U+FFFD.</summary>
    public static string ToStorable(this string text) => text.ToWellFormed().Replace('\0', '\uFFFD');

    /// <summary>Like <see cref="ToStorable(string)"/>, for UTF-8; returns the same memory if there is nothing to replace.</summary>
    public static ReadOnlyMemory<byte> ToStorable(this ReadOnlyMemory<byte> utf8) =>
        Utf8.IsValid(utf8.Span) && !utf8.Span.Contains((byte)0) ? utf8 : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(utf8.Span).ToStorable());
}
