using System.Buffers.Text;

namespace Konstruct.Load.Client;

/// <summary>Timestamps that a worker puts before its words on request: sixteen digits, microseconds of the Unix epoch, and a space.</summary>
internal static class Stamps
{
    private const int Digits = 16;

    /// <summary>Reads the next stamp in a text and moves behind it. False: there is none.</summary>
    public static bool TryNext(ref ReadOnlySpan<byte> text, out long sent)
    {
        while (text.IndexOfAnyInRange((byte)'0', (byte)'9') is var start and >= 0)
        {
            text = text[start..];
            var isNumber = Utf8Parser.TryParse(text, out sent, out var length);
            if (isNumber && length == Digits && text.Length > Digits && text[Digits] == (byte)' ')
            {
                text = text[(Digits + 1)..];
                return true;
            }

            text = text[Math.Max(length, 1)..];
        }

        sent = 0;
        return false;
    }

    /// <summary>Number of chunks in a text, which is its number of stamps; 1 without stamps.</summary>
    public static int ChunksIn(ReadOnlySpan<byte> text)
    {
        var count = 0;
        while (TryNext(ref text, out _))
        {
            count++;
        }

        return Math.Max(count, 1);
    }
}
