using System.Buffers.Binary;
using System.Buffers.Text;

namespace Konstruct.Gateway.Conversations.Api;

/// <summary>
/// A place in a list that is ordered by time, then id. Opaque to clients, and nothing that would have to be secret: whose rows are listed is decided
/// by who asks.
/// </summary>
/// <param name="Time">Of the last row that the client has.</param>
/// <param name="Id">Of the same row: it tells rows of one moment apart.</param>
internal readonly record struct PageCursor(DateTimeOffset Time, Guid Id)
{
    private const int Size = 8 + 16;

    /// <summary>Before everything.</summary>
    public static readonly PageCursor Start = new(DateTimeOffset.MaxValue, Guid.AllBitsSet);

    /// <summary>Reads what <see cref="ToString"/> wrote; nothing else.</summary>
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
