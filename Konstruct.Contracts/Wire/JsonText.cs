using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Konstruct.Contracts.Wire;

/// <summary>
/// JSON strings in the original's form (Python's <c>json.dumps(…, ensure_ascii=False)</c>): UTF-8, with only the escapes that
/// JSON requires. System.Text.Json has no such encoder: even its relaxed one turns an emoji into twelve bytes.
/// </summary>
public static class JsonText
{
    private static readonly SearchValues<byte> MustEscape = SearchValues.Create([
        .. Enumerable.Range(0, 0x20).Select(b => (byte)b),
        (byte)'"',
        (byte)'\\',
    ]);

    /// <summary>Writes <paramref name="text"/> as the content of a JSON string, without the quotes.</summary>
    /// <remarks>A lone surrogate, which UTF-8 cannot represent, becomes U+FFFD.</remarks>
    public static void WriteEscaped(IBufferWriter<byte> output, ReadOnlySpan<char> text)
    {
        var rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        var length = Encoding.UTF8.GetBytes(text, rented);
        WriteEscaped(output, rented.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(rented);
    }

    /// <summary>Writes UTF-8 <paramref name="text"/> as the content of a JSON string, without the quotes.</summary>
    public static void WriteEscaped(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        while (true)
        {
            var clean = text.IndexOfAny(MustEscape);
            if (clean < 0)
            {
                output.Write(text);
                return;
            }

            output.Write(text[..clean]);
            WriteEscape(output, text[clean]);
            text = text[(clean + 1)..];
        }
    }

    /// <summary>
    /// Converts the content of a JSON string to this class's form. Content without a backslash already has it and is returned unchanged.
    /// </summary>
    /// <param name="raw">The bytes between the quotes, from a valid JSON document.</param>
    public static ReadOnlyMemory<byte> Normalise(ReadOnlyMemory<byte> raw)
    {
        if (!raw.Span.Contains((byte)'\\'))
        {
            return raw;
        }

        var output = new ArrayBufferWriter<byte>(raw.Length);
        WriteEscaped(output, Unescape(raw.Span));
        return output.WrittenMemory;
    }

    /// <summary>
    /// Unescapes the content of a JSON string to UTF-8. Returns the same bytes if nothing is escaped. An escaped lone surrogate becomes U+FFFD.
    /// </summary>
    public static ReadOnlyMemory<byte> UnescapeUtf8(ReadOnlyMemory<byte> raw) =>
        raw.Span.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(Unescape(raw.Span)) : raw;

    /// <summary>Unescapes the content of a JSON string. An escaped lone surrogate becomes U+FFFD.</summary>
    public static string Unescape(ReadOnlySpan<byte> raw)
    {
        if (!raw.Contains((byte)'\\'))
        {
            return Encoding.UTF8.GetString(raw);
        }

        var text = new StringBuilder(raw.Length);
        while (true)
        {
            var slash = raw.IndexOf((byte)'\\');
            if (slash < 0)
            {
                text.Append(Encoding.UTF8.GetString(raw));
                return text.ToString();
            }

            text.Append(Encoding.UTF8.GetString(raw[..slash]));
            var (character, length) = ReadEscape(raw[slash..]);
            text.Append(character);
            raw = raw[(slash + length)..];
        }
    }

    /// <summary>Whether the reader's current name or string equals <paramref name="text"/>.</summary>
    /// <remarks><see cref="Utf8JsonReader.ValueTextEquals(ReadOnlySpan{byte})"/> throws on a lone surrogate, which JSON's grammar allows.</remarks>
    public static bool Is(this in Utf8JsonReader reader, ReadOnlySpan<byte> text) =>
        reader.ValueIsEscaped
            ? Encoding.UTF8.GetBytes(Unescape(reader.ValueSpan)).AsSpan().SequenceEqual(text)
            : reader.ValueSpan.SequenceEqual(text);

    /// <summary>Number of bytes before the first that must be escaped or ends the string; all of them if there is none.</summary>
    internal static int PlainLength(ReadOnlySpan<byte> raw) => raw.IndexOfAny(MustEscape) is var end and >= 0 ? end : raw.Length;

    private static (char Character, int Length) ReadEscape(ReadOnlySpan<byte> escape) =>
        escape[1] switch
        {
            (byte)'n' => ('\n', 2),
            (byte)'r' => ('\r', 2),
            (byte)'t' => ('\t', 2),
            (byte)'b' => ('\b', 2),
            (byte)'f' => ('\f', 2),
            (byte)'u' => ((char)ushort.Parse(escape.Slice(2, 4), System.Globalization.NumberStyles.HexNumber, null), 6),
            var same and ((byte)'"' or (byte)'\\' or (byte)'/') => ((char)same, 2),
            _ => throw new JsonException("Not an escape of JSON."),
        };

    private static void WriteEscape(IBufferWriter<byte> output, byte value)
    {
        switch (value)
        {
            case (byte)'"':
                output.Write("\\\""u8);
                break;
            case (byte)'\\':
                output.Write("\\\\"u8);
                break;
            case (byte)'\n':
                output.Write("\\n"u8);
                break;
            case (byte)'\r':
                output.Write("\\r"u8);
                break;
            case (byte)'\t':
                output.Write("\\t"u8);
                break;
            case (byte)'\b':
                output.Write("\\b"u8);
                break;
            case (byte)'\f':
                output.Write("\\f"u8);
                break;
            default:
                output.Write("\\u00"u8);
                output.Write([Hex(value >> 4), Hex(value & 15)]);
                break;
        }

        static byte Hex(int digit) => (byte)(digit < 10 ? '0' + digit : 'a' + digit - 10);
    }
}
