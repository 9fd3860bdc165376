using System.Buffers.Binary;
using System.Buffers.Text;

namespace Konstruct.Gateway.Conversations;

/// <summary>
/// A position in a list ordered by time, then id. Opaque to clients, but not secret: the caller's identity decides whose rows are listed.
/// </summary>
/// <param name="Time">Time of the last row that the client has.</param>
/// <param name="Id">Id of that row, which orders rows of the same time.</param>
internal readonly record struct PageCursor(DateTimeOffset Time, Guid Id)
{
    /// <summary>The beginning of a list.</summary>
    public static readonly PageCursor Start = new(DateTimeOffset.MaxValue, Guid.AllBitsSet);
    private const int Size = 8 + 16;

    /// <summary>Parses the output of <see cref="ToString"/> only.</summary>
    public static bool TryParse(string text, out PageCursor cursor)
    {
        cursor = default;
        Span<byte> bytes = stackalloc byte[Size];
        if (!Base64Url.IsValid(text, out var length) || length != Size || !Base64Url.TryDecodeFromChars(text, bytes, out _))
        {
            return false;
        }

        var ticks = BinaryPrimitives.ReadInt64BigEndian(bytes);
        if (ticks < DateTimeOffset.MinValue.Ticks || ticks > DateTimeOffset.MaxValue.Ticks)
        {
            return false;
        }

        cursor = new(new(ticks, TimeSpan.Zero), new(bytes[8..], bigEndian: true));
        return true;
    }

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        BinaryPrimitives.WriteInt64BigEndian(bytes, Time.UtcTicks);
        Id.TryWriteBytes(bytes[8..], bigEndian: true, out _);
        return Base64Url.EncodeToString(bytes);
    }
}
