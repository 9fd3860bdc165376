using System.Buffers;
using Konstruct.Contracts.Wire;

namespace Konstruct.Contracts.Redis;

/// <summary>Kind of a payload on the response channel, or of an entry in a log.</summary>
public enum StreamEventKind
{
    /// <summary>Neither ours nor the original's: ignored.</summary>
    Unknown,

    /// <summary>A piece of the answer.</summary>
    Chunk,

    /// <summary>The end of the turn.</summary>
    Done,

    /// <summary>A later attempt has begun: the answer starts again at seq 1.</summary>
    Reset,

    /// <summary>A gateway accepted a message: other subscribers learn of the turn before its first chunk.</summary>
    Accepted,
}

/// <summary>
/// One payload of the response channel. The original's members come first (<c>{"type":"chunk","text"}</c>,
/// <c>{"type":"done","text","conversation_id"}</c>) and ours follow, so an original gateway could read it. Payloads
/// of a legacy orchestrator, which lack our members, are also accepted (<see cref="IsLegacy"/>). The log holds the
/// same bytes as the channel: a chunk's payload is the v2 frame, byte for byte.
/// </summary>
public readonly partial record struct StreamEvent(StreamEventKind Kind)
{
    /// <summary>The parsed bytes.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Content of the <c>text</c> string, still escaped; null: none.</summary>
    public ReadOnlyMemory<byte>? EscapedText { get; init; }

    /// <summary>The turn; empty in a legacy payload.</summary>
    public Guid TurnId { get; init; }

    /// <summary>The attempt, from 1; 0 in a legacy payload, and at the end of a turn that no worker began.</summary>
    public int Attempt { get; init; }

    /// <summary>Position in the attempt's log, from 1; 0: none.</summary>
    public int Seq { get; init; }

    /// <summary><see cref="StreamEventKind.Done"/>: a word of <see cref="TurnOutcome"/>; null in a legacy payload.</summary>
    public string? Reason { get; init; }

    /// <summary><see cref="StreamEventKind.Accepted"/>: the client's message id.</summary>
    public string? MessageId { get; init; }

    /// <summary><see cref="StreamEventKind.Accepted"/>: the turn's trace; null: not traced.</summary>
    public string? Traceparent { get; init; }

    /// <summary>True for a legacy payload, which names no turn. It belongs to the conversation's oldest pending turn.</summary>
    public bool IsLegacy => TurnId == Guid.Empty;

    /// <summary>The unescaped text as UTF-8; null: none.</summary>
    /// <remarks>The null is typed, because a bare null converts to empty memory.</remarks>
    public ReadOnlyMemory<byte>? Utf8Text => EscapedText is { } raw ? JsonText.UnescapeUtf8(raw) : default(ReadOnlyMemory<byte>?);

    /// <summary>The unescaped text; empty: none.</summary>
    public string Text => EscapedText is { } raw ? JsonText.Unescape(raw.Span) : "";

    /// <summary>Payload of a chunk, which is also its log entry and its v2 frame.</summary>
    public static byte[] Chunk(string text, Guid turnId, int attempt, int seq)
    {
        var output = new ArrayBufferWriter<byte>(text.Length + 128);
        output.Write(FrameJson.ChunkBegin);
        JsonText.WriteEscaped(output, text);
        output.Write("\""u8);
        FrameJson.WriteTurn(output, turnId, attempt);
        FrameJson.WriteMember(output, "seq"u8, seq);
        output.Write("}"u8);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Payload of a chunk up to its seq, which only a script knows and adds.</summary>
    /// <param name="escapedText">The text as the content of a JSON string, see <see cref="JsonText"/>.</param>
    /// <param name="turnId">The turn.</param>
    /// <param name="attempt">The attempt.</param>
    public static byte[] ChunkWithoutSeq(ReadOnlySpan<byte> escapedText, Guid turnId, int attempt)
    {
        var output = new ArrayBufferWriter<byte>(escapedText.Length + 128);
        output.Write(FrameJson.ChunkBegin);
        output.Write(escapedText);
        output.Write("\""u8);
        FrameJson.WriteTurn(output, turnId, attempt);
        output.Write(",\"seq\":"u8);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Payload of an end, written by the worker that finished the turn.</summary>
    public static byte[] Done(string text, Guid conversationId, Guid turnId, int attempt, int seq, string reason)
    {
        var output = new ArrayBufferWriter<byte>(text.Length + 256);
        output.Write("{\"type\":\"done\""u8);
        FrameJson.WriteMember(output, "text"u8, text);
        FrameJson.WriteMember(output, "conversation_id"u8, conversationId);
        FrameJson.WriteTurn(output, turnId, attempt);
        FrameJson.WriteMember(output, "seq"u8, seq);
        FrameJson.WriteMember(output, "reason"u8, reason);
        output.Write("}"u8);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Payload of an end that a gateway decides (cancel, deadline). It has no text, because the log has it.</summary>
    /// <returns>The payload up to the seq, which only the script knows and adds.</returns>
    public static byte[] EndWithoutSeq(Guid conversationId, Guid turnId, int attempt, string reason)
    {
        var output = new ArrayBufferWriter<byte>(256);
        output.Write("{\"type\":\"done\""u8);
        FrameJson.WriteMember(output, "conversation_id"u8, conversationId);
        FrameJson.WriteTurn(output, turnId, attempt);
        FrameJson.WriteMember(output, "reason"u8, reason);
        output.Write(",\"seq\":"u8);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Payload that announces a later attempt.</summary>
    public static byte[] Reset(Guid turnId, int attempt) => FrameJson.Reset(turnId, attempt).ToArray();

    /// <summary>Payload that announces an accepted message to the conversation's other gateways.</summary>
    public static byte[] Accepted(Guid turnId, string? messageId, string? traceparent = null)
    {
        var output = new ArrayBufferWriter<byte>(128);
        output.Write("{\"type\":\"accepted\""u8);
        FrameJson.WriteMember(output, "turn_id"u8, turnId);
        if (messageId is not null)
        {
            FrameJson.WriteMember(output, "message_id"u8, messageId);
        }

        if (traceparent is not null)
        {
            FrameJson.WriteMember(output, "traceparent"u8, traceparent);
        }

        output.Write("}"u8);
        return output.WrittenSpan.ToArray();
    }
}
