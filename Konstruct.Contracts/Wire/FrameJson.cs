using System.Buffers;
using System.Globalization;

namespace Konstruct.Contracts.Wire;

/// <summary>
/// Parts of frames and payloads. A worker's payload of a chunk is also the v2 frame, so both sides write the same bytes: compact UTF-8,
/// members in the documented order.
/// </summary>
public static class FrameJson
{
    /// <summary>Start of every chunk, up to its text: in the v1 frame, the v2 frame and the payload.</summary>
    public static ReadOnlySpan<byte> ChunkBegin => "{\"type\":\"chunk\",\"text\":\""u8;

    /// <summary><c>reset</c>: the answer starts again at seq 1. The payload is also the v2 frame.</summary>
    public static ReadOnlyMemory<byte> Reset(Guid turnId, int attempt)
    {
        var output = new ArrayBufferWriter<byte>(96);
        output.Write("{\"type\":\"reset\""u8);
        WriteTurn(output, turnId, attempt);
        output.Write("}"u8);
        return output.WrittenMemory;
    }

    /// <summary>Writes a member with a comma before it; the value is escaped.</summary>
    public static void WriteMember(IBufferWriter<byte> output, ReadOnlySpan<byte> name, string value)
    {
        output.Write(",\""u8);
        output.Write(name);
        output.Write("\":\""u8);
        JsonText.WriteEscaped(output, value);
        output.Write("\""u8);
    }

    /// <summary>Writes a member with a comma before it.</summary>
    public static void WriteMember(IBufferWriter<byte> output, ReadOnlySpan<byte> name, Guid value)
    {
        output.Write(",\""u8);
        output.Write(name);
        output.Write("\":\""u8);
        WriteGuid(output, value);
        output.Write("\""u8);
    }

    /// <summary>Writes a member with a comma before it.</summary>
    public static void WriteMember(IBufferWriter<byte> output, ReadOnlySpan<byte> name, int value)
    {
        output.Write(",\""u8);
        output.Write(name);
        output.Write("\":"u8);
        var span = output.GetSpan(11);
        value.TryFormat(span, out var written, provider: CultureInfo.InvariantCulture);
        output.Advance(written);
    }

    /// <summary>Writes the members <c>turn_id</c> and <c>attempt</c>.</summary>
    public static void WriteTurn(IBufferWriter<byte> output, Guid turnId, int attempt)
    {
        WriteMember(output, "turn_id"u8, turnId);
        WriteMember(output, "attempt"u8, attempt);
    }

    /// <summary>Writes an id, without quotation marks.</summary>
    public static void WriteGuid(IBufferWriter<byte> output, Guid value)
    {
        value.TryFormat(output.GetSpan(36), out var written);
        output.Advance(written);
    }
}
