using System.Buffers;

namespace Konstruct.Contracts.Wire;

/// <summary>
/// The frames a gateway sends, written as bytes: compact UTF-8, members in the documented order. The original's frames are matched byte for byte;
/// what v2 adds always follows the original's members.
/// </summary>
public static class ServerFrames
{
    /// <summary>What every chunk begins with, up to its text: v1's and v2's frame, and so the payload, too.</summary>
    internal static ReadOnlySpan<byte> ChunkBegin => "{\"type\":\"chunk\",\"text\":\""u8;

    private static ReadOnlySpan<byte> ChunkEnd => "\"}"u8;

    /// <summary><c>{"type":"typing"}</c>, the whole v1 frame.</summary>
    public static ReadOnlyMemory<byte> Typing { get; } = "{\"type\":\"typing\"}"u8.ToArray();

    /// <summary>v2's <c>typing</c>: the acknowledgement that the message is stored as <paramref name="turnId"/>.</summary>
    public static ReadOnlyMemory<byte> TypingFor(Guid turnId, string? messageId)
    {
        var output = new ArrayBufferWriter<byte>(128);
        output.Write("{\"type\":\"typing\""u8);
        WriteMember(output, "turn_id"u8, turnId);
        if (messageId is not null)
        {
            WriteMember(output, "message_id"u8, messageId);
        }

        output.Write("}"u8);
        return output.WrittenMemory;
    }

    /// <summary>How long v1's <c>chunk</c> is.</summary>
    /// <param name="escapedText">The length of its text, in bytes.</param>
    public static int ChunkLength(int escapedText) => ChunkBegin.Length + escapedText + ChunkEnd.Length;

    /// <summary>v1's <c>chunk</c>.</summary>
    /// <param name="frame">Where to write it: at least <see cref="ChunkLength"/> bytes.</param>
    /// <param name="escapedText">The inside of the JSON string, copied as it is.</param>
    public static void WriteChunk(Span<byte> frame, ReadOnlySpan<byte> escapedText)
    {
        ChunkBegin.CopyTo(frame);
        escapedText.CopyTo(frame[ChunkBegin.Length..]);
        ChunkEnd.CopyTo(frame[(ChunkBegin.Length + escapedText.Length)..]);
    }

    /// <summary>v2's <c>chunk</c>; without <paramref name="seq"/> when a foreign orchestrator gave none.</summary>
    public static ReadOnlyMemory<byte> Chunk(ReadOnlySpan<byte> escapedText, Guid turnId, int attempt, int? seq)
    {
        var output = new ArrayBufferWriter<byte>(escapedText.Length + 128);
        output.Write(ChunkBegin);
        output.Write(escapedText);
        output.Write("\""u8);
        WriteTurn(output, turnId, attempt);
        if (seq is { } value)
        {
            WriteMember(output, "seq"u8, value);
        }

        output.Write("}"u8);
        return output.WrittenMemory;
    }

    /// <summary>v1's <c>done</c>. <paramref name="text"/> is UTF-8, <paramref name="conversationId"/> is spelled as the client spelled it.</summary>
    public static ReadOnlyMemory<byte> Done(ReadOnlySpan<byte> text, string conversationId) => Done(text, conversationId, turn: null);

    /// <summary>v2's <c>done</c>: <paramref name="text"/>, UTF-8, replaces whatever the client has of the turn.</summary>
    public static ReadOnlyMemory<byte> Done(ReadOnlySpan<byte> text, string conversationId, Guid turnId, int attempt, string reason) =>
        Done(text, conversationId, (turnId, attempt, reason));

    /// <summary>v2's <c>reset</c>: the turn's answer starts again at seq 1.</summary>
    public static ReadOnlyMemory<byte> Reset(Guid turnId, int attempt)
    {
        var output = new ArrayBufferWriter<byte>(96);
        output.Write("{\"type\":\"reset\""u8);
        WriteTurn(output, turnId, attempt);
        output.Write("}"u8);
        return output.WrittenMemory;
    }

    /// <summary>v2's <c>ready</c>: who is streaming now. Those turns stay silent on the socket until it resumes them.</summary>
    public static ReadOnlyMemory<byte> Ready(string conversationId, IEnumerable<ActiveTurn> active)
    {
        var output = new ArrayBufferWriter<byte>(128);
        output.Write("{\"type\":\"ready\""u8);
        WriteMember(output, "conversation_id"u8, conversationId);
        output.Write(",\"active\":["u8);
        var first = true;
        foreach (var turn in active)
        {
            output.Write(first ? "{\"turn_id\":\""u8 : ",{\"turn_id\":\""u8);
            WriteGuid(output, turn.TurnId);
            output.Write("\""u8);
            WriteMember(output, "attempt"u8, turn.Attempt);
            WriteMember(output, "seq"u8, turn.Seq);
            output.Write("}"u8);
            first = false;
        }

        output.Write("]}"u8);
        return output.WrittenMemory;
    }

    /// <summary>v1's <c>error</c>: the sentence alone.</summary>
    public static ReadOnlyMemory<byte> Error(WireError error)
    {
        var output = new ArrayBufferWriter<byte>(128);
        output.Write("{\"type\":\"error\""u8);
        WriteMember(output, "message"u8, error.Message);
        output.Write("}"u8);
        return output.WrittenMemory;
    }

    /// <summary>v2's <c>error</c>, naming what it is about as far as that is known.</summary>
    /// <param name="error">What is wrong.</param>
    /// <param name="turnId">The turn that is meant.</param>
    /// <param name="messageId">The message that is meant, by the client's own id.</param>
    /// <param name="retryAfter">How long to wait before trying again, where that is known: <c>retry_after_ms</c>.</param>
    public static ReadOnlyMemory<byte> Error(WireError error, Guid? turnId, string? messageId, TimeSpan? retryAfter = null)
    {
        var output = new ArrayBufferWriter<byte>(192);
        output.Write("{\"type\":\"error\""u8);
        WriteMember(output, "code"u8, error.Code);
        WriteMember(output, "message"u8, error.Message);
        output.Write(error.Retryable ? ",\"retryable\":true"u8 : ",\"retryable\":false"u8);
        if (turnId is { } turn)
        {
            WriteMember(output, "turn_id"u8, turn);
        }

        if (messageId is not null)
        {
            WriteMember(output, "message_id"u8, messageId);
        }

        if (retryAfter is { } wait)
        {
            WriteMember(output, "retry_after_ms"u8, (int)Math.Ceiling(wait.TotalMilliseconds));
        }

        output.Write("}"u8);
        return output.WrittenMemory;
    }

    internal static void WriteMember(IBufferWriter<byte> output, ReadOnlySpan<byte> name, string value)
    {
        output.Write(",\""u8);
        output.Write(name);
        output.Write("\":\""u8);
        JsonText.WriteEscaped(output, value);
        output.Write("\""u8);
    }

    internal static void WriteMember(IBufferWriter<byte> output, ReadOnlySpan<byte> name, Guid value)
    {
        output.Write(",\""u8);
        output.Write(name);
        output.Write("\":\""u8);
        WriteGuid(output, value);
        output.Write("\""u8);
    }

    internal static void WriteMember(IBufferWriter<byte> output, ReadOnlySpan<byte> name, int value)
    {
        output.Write(",\""u8);
        output.Write(name);
        output.Write("\":"u8);
        var span = output.GetSpan(11);
        value.TryFormat(span, out var written, provider: System.Globalization.CultureInfo.InvariantCulture);
        output.Advance(written);
    }

    internal static void WriteTurn(IBufferWriter<byte> output, Guid turnId, int attempt)
    {
        WriteMember(output, "turn_id"u8, turnId);
        WriteMember(output, "attempt"u8, attempt);
    }

    private static ReadOnlyMemory<byte> Done(ReadOnlySpan<byte> text, string conversationId, (Guid TurnId, int Attempt, string Reason)? turn)
    {
        var output = new ArrayBufferWriter<byte>(text.Length + 256);
        output.Write("{\"type\":\"done\",\"text\":\""u8);
        JsonText.WriteEscaped(output, text);
        output.Write("\""u8);
        WriteMember(output, "conversation_id"u8, conversationId);
        if (turn is var (turnId, attempt, reason))
        {
            WriteTurn(output, turnId, attempt);
            WriteMember(output, "reason"u8, reason);
        }

        output.Write("}"u8);
        return output.WrittenMemory;
    }

    private static void WriteGuid(IBufferWriter<byte> output, Guid value)
    {
        value.TryFormat(output.GetSpan(36), out var written);
        output.Advance(written);
    }
}

/// <summary>One entry of <c>ready.active</c>: a turn that is being answered.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="Attempt">Its current attempt, from 1.</param>
/// <param name="Seq">The last chunk there is; 0: none yet.</param>
public readonly record struct ActiveTurn(Guid TurnId, int Attempt, int Seq);
