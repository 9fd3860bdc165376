using System.Buffers;
using Konstruct.Contracts.Wire;

namespace Konstruct.Gateway.Protocol;

/// <summary>One entry of <c>ready.active</c>: a running turn.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="Attempt">Its current attempt, from 1.</param>
/// <param name="Seq">Its last chunk; 0: none yet.</param>
internal readonly record struct ActiveTurn(Guid TurnId, int Attempt, int Seq);

/// <summary>
/// The frames that a gateway sends, written as bytes: compact UTF-8, members in the documented order. The original's
/// frames are matched byte for byte; additions of v2 always follow the original's members.
/// </summary>
internal static class ServerFrames
{
    /// <summary><c>{"type":"typing"}</c>, the whole v1 frame.</summary>
    public static ReadOnlyMemory<byte> Typing { get; } = "{\"type\":\"typing\"}"u8.ToArray();

    /// <summary><c>pong</c> of v2: answers a <c>ping</c>.</summary>
    public static ReadOnlyMemory<byte> Pong { get; } = "{\"type\":\"pong\"}"u8.ToArray();

    private static ReadOnlySpan<byte> ChunkEnd => "\"}"u8;

    /// <summary><c>typing</c> of v2: acknowledges that the message is stored as <paramref name="turnId"/>.</summary>
    public static ReadOnlyMemory<byte> TypingFor(Guid turnId, string? messageId)
    {
        var output = new ArrayBufferWriter<byte>(128);
        output.Write("{\"type\":\"typing\""u8);
        FrameJson.WriteMember(output, "turn_id"u8, turnId);
        if (messageId is not null)
        {
            FrameJson.WriteMember(output, "message_id"u8, messageId);
        }

        output.Write("}"u8);
        return output.WrittenMemory;
    }

    /// <summary>Length of a v1 <c>chunk</c> in bytes.</summary>
    /// <param name="escapedText">Length of its text in bytes.</param>
    public static int ChunkLength(int escapedText) => FrameJson.ChunkBegin.Length + escapedText + ChunkEnd.Length;

    /// <summary><c>chunk</c> of v1.</summary>
    /// <param name="frame">Destination: at least <see cref="ChunkLength"/> bytes.</param>
    /// <param name="escapedText">Content of the JSON string, copied unchanged.</param>
    public static void WriteChunk(Span<byte> frame, ReadOnlySpan<byte> escapedText)
    {
        FrameJson.ChunkBegin.CopyTo(frame);
        escapedText.CopyTo(frame[FrameJson.ChunkBegin.Length..]);
        ChunkEnd.CopyTo(frame[(FrameJson.ChunkBegin.Length + escapedText.Length)..]);
    }

    /// <summary><c>chunk</c> of v2; without <paramref name="seq"/> when it comes from a legacy orchestrator.</summary>
    public static ReadOnlyMemory<byte> Chunk(ReadOnlySpan<byte> escapedText, Guid turnId, int attempt, int? seq)
    {
        var output = new ArrayBufferWriter<byte>(escapedText.Length + 128);
        output.Write(FrameJson.ChunkBegin);
        output.Write(escapedText);
        output.Write("\""u8);
        FrameJson.WriteTurn(output, turnId, attempt);
        if (seq is { } value)
        {
            FrameJson.WriteMember(output, "seq"u8, value);
        }

        output.Write("}"u8);
        return output.WrittenMemory;
    }

    /// <summary><c>done</c> of v1. <paramref name="text"/> is UTF-8; <paramref name="conversationId"/> is in the client's spelling.</summary>
    public static ReadOnlyMemory<byte> Done(ReadOnlySpan<byte> text, string conversationId) => Done(text, conversationId, turn: null);

    /// <summary><c>done</c> of v2: <paramref name="text"/>, UTF-8, replaces the client's text of the turn.</summary>
    public static ReadOnlyMemory<byte> Done(ReadOnlySpan<byte> text, string conversationId, Guid turnId, int attempt, string reason) =>
        Done(text, conversationId, (turnId, attempt, reason));

    /// <inheritdoc cref="FrameJson.Reset"/>
    public static ReadOnlyMemory<byte> Reset(Guid turnId, int attempt) => FrameJson.Reset(turnId, attempt);

    /// <summary><c>ready</c> of v2: the turns that are streaming now. They stay silent on the socket until it resumes them.</summary>
    /// <param name="conversationId">In the client's spelling.</param>
    /// <param name="active">The running turns.</param>
    /// <param name="pingInterval">A client that heard nothing for this time may take the connection for lost; 0: unknown, not sent.</param>
    public static ReadOnlyMemory<byte> Ready(string conversationId, IEnumerable<ActiveTurn> active, TimeSpan pingInterval = default)
    {
        var output = new ArrayBufferWriter<byte>(128);
        output.Write("{\"type\":\"ready\""u8);
        FrameJson.WriteMember(output, "conversation_id"u8, conversationId);
        output.Write(",\"active\":["u8);
        var first = true;
        foreach (var turn in active)
        {
            output.Write(first ? "{\"turn_id\":\""u8 : ",{\"turn_id\":\""u8);
            FrameJson.WriteGuid(output, turn.TurnId);
            output.Write("\""u8);
            FrameJson.WriteMember(output, "attempt"u8, turn.Attempt);
            FrameJson.WriteMember(output, "seq"u8, turn.Seq);
            output.Write("}"u8);
            first = false;
        }

        output.Write("]"u8);
        if (pingInterval > TimeSpan.Zero)
        {
            FrameJson.WriteMember(output, "ping_ms"u8, (int)pingInterval.TotalMilliseconds);
        }

        output.Write("}"u8);
        return output.WrittenMemory;
    }

    /// <summary><c>error</c> of v1: the sentence only.</summary>
    public static ReadOnlyMemory<byte> Error(WireError error)
    {
        var output = new ArrayBufferWriter<byte>(128);
        output.Write("{\"type\":\"error\""u8);
        FrameJson.WriteMember(output, "message"u8, error.Message);
        output.Write("}"u8);
        return output.WrittenMemory;
    }

    /// <summary><c>error</c> of v2, with the turn or message that it concerns, if known.</summary>
    /// <param name="error">The error.</param>
    /// <param name="turnId">The turn.</param>
    /// <param name="messageId">The client's message id.</param>
    /// <param name="retryAfter">Time to wait before a retry, if known: <c>retry_after_ms</c>.</param>
    public static ReadOnlyMemory<byte> Error(WireError error, Guid? turnId, string? messageId, TimeSpan? retryAfter = null)
    {
        var output = new ArrayBufferWriter<byte>(192);
        output.Write("{\"type\":\"error\""u8);
        FrameJson.WriteMember(output, "code"u8, error.Code);
        FrameJson.WriteMember(output, "message"u8, error.Message);
        output.Write(error.Retryable ? ",\"retryable\":true"u8 : ",\"retryable\":false"u8);
        if (turnId is { } turn)
        {
            FrameJson.WriteMember(output, "turn_id"u8, turn);
        }

        if (messageId is not null)
        {
            FrameJson.WriteMember(output, "message_id"u8, messageId);
        }

        if (retryAfter is { } wait)
        {
            FrameJson.WriteMember(output, "retry_after_ms"u8, (int)Math.Ceiling(wait.TotalMilliseconds));
        }

        output.Write("}"u8);
        return output.WrittenMemory;
    }

    private static ReadOnlyMemory<byte> Done(ReadOnlySpan<byte> text, string conversationId, (Guid TurnId, int Attempt, string Reason)? turn)
    {
        var output = new ArrayBufferWriter<byte>(text.Length + 256);
        output.Write("{\"type\":\"done\",\"text\":\""u8);
        JsonText.WriteEscaped(output, text);
        output.Write("\""u8);
        FrameJson.WriteMember(output, "conversation_id"u8, conversationId);
        if (turn is var (turnId, attempt, reason))
        {
            FrameJson.WriteTurn(output, turnId, attempt);
            FrameJson.WriteMember(output, "reason"u8, reason);
        }

        output.Write("}"u8);
        return output.WrittenMemory;
    }
}
