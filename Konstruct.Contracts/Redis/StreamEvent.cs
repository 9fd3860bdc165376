using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
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

    /// <summary>
    /// Parses a payload. Never throws: a payload that is not understood or has a number out of range is <see
    /// cref="StreamEventKind.Unknown"/>. Invalid UTF-8 is repaired, also in <see cref="Payload"/>, because clients and Postgres refuse it.
    /// </summary>
    public static StreamEvent Parse(ReadOnlyMemory<byte> payload)
    {
        var valid = payload.ToWellFormed();
        try
        {
            return (TryReadPlainChunk(valid, out var chunk) ? chunk : Read(valid)).Check();
        }
        catch (JsonException)
        {
            return default;
        }
    }

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

    /// <summary>
    /// Parses the most frequent payload by far: a chunk exactly in the form of <see cref="Chunk"/>, without escapes. It is
    /// recognised by its fixed parts, in at most a fifth of a JSON reader's time. Any deviation is left to the reader.
    /// </summary>
    private static bool TryReadPlainChunk(ReadOnlyMemory<byte> payload, out StreamEvent chunk)
    {
        chunk = default;
        var rest = payload.Span;
        if (!TryTake(ref rest, FrameJson.ChunkBegin))
        {
            return false;
        }

        var length = JsonText.PlainLength(rest);
        var text = payload.Slice(payload.Length - rest.Length, length);
        rest = rest[length..];
        if (!TryTake(ref rest, "\",\"turn_id\":\""u8) || !Utf8Parser.TryParse(rest, out Guid turnId, out var digits, 'D'))
        {
            return false;
        }

        rest = rest[digits..];
        if (
            !TryTake(ref rest, "\",\"attempt\":"u8)
            || !TryTake(ref rest, out var attempt)
            || !TryTake(ref rest, ",\"seq\":"u8)
            || !TryTake(ref rest, out var seq)
            || !rest.SequenceEqual("}"u8)
        )
        {
            return false;
        }

        chunk = new(StreamEventKind.Chunk)
        {
            Payload = payload,
            EscapedText = text,
            TurnId = turnId,
            Attempt = attempt,
            Seq = seq,
        };
        return true;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> rest, ReadOnlySpan<byte> expected)
    {
        if (!rest.StartsWith(expected))
        {
            return false;
        }

        rest = rest[expected.Length..];
        return true;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> rest, out int number)
    {
        if (rest.IsEmpty || rest[0] is < (byte)'1' or > (byte)'9' || !Utf8Parser.TryParse(rest, out number, out var digits))
        {
            number = 0;
            return false;
        }

        rest = rest[digits..];
        return true;
    }

    private static StreamEvent Read(ReadOnlyMemory<byte> payload)
    {
        var reader = new Utf8JsonReader(payload.Span);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return default;
        }

        var result = new StreamEvent(StreamEventKind.Unknown) { Payload = payload };
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.Is("type"u8))
            {
                reader.Read();
                result = result with { Kind = KindOf(ref reader) };
            }
            else if (reader.Is("text"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.String)
                {
                    var start = (int)reader.TokenStartIndex + 1;
                    result = result with { EscapedText = payload.Slice(start, reader.ValueSpan.Length) };
                }
            }
            else if (reader.Is("turn_id"u8))
            {
                reader.Read();
                if (
                    reader.TokenType == JsonTokenType.String
                    && JsonText.Unescape(reader.ValueSpan) is { Length: 36 } id
                    && Guid.TryParseExact(id, "D", out var turnId)
                )
                {
                    result = result with { TurnId = turnId };
                }
            }
            else if (reader.Is("attempt"u8))
            {
                result = result with { Attempt = ReadInt(ref reader) };
            }
            else if (reader.Is("seq"u8))
            {
                result = result with { Seq = ReadInt(ref reader) };
            }
            else if (reader.Is("reason"u8))
            {
                reader.Read();
                result = result with { Reason = ReasonOf(ref reader) };
            }
            else if (reader.Is("message_id"u8))
            {
                reader.Read();
                result = result with { MessageId = reader.TokenType == JsonTokenType.String ? JsonText.Unescape(reader.ValueSpan) : null };
            }
            else if (reader.Is("traceparent"u8))
            {
                reader.Read();
                result = result with { Traceparent = reader.TokenType == JsonTokenType.String ? JsonText.Unescape(reader.ValueSpan) : null };
            }
            else
            {
                reader.Read();
            }

            reader.Skip(); // Skips an object or array of a legacy orchestrator.
        }

        // The extra read throws on data behind the object.
        return reader.TokenType == JsonTokenType.EndObject && !reader.Read() ? result : default;
    }

    /// <returns><see cref="OutOfRange"/>: not an integer.</returns>
    private static int ReadInt(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var value) ? value : OutOfRange;
    }

    private static StreamEventKind KindOf(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            return StreamEventKind.Unknown;
        }
        if (reader.Is("chunk"u8))
        {
            return StreamEventKind.Chunk;
        }
        if (reader.Is("done"u8))
        {
            return StreamEventKind.Done;
        }
        if (reader.Is("reset"u8))
        {
            return StreamEventKind.Reset;
        }
        if (reader.Is("accepted"u8))
        {
            return StreamEventKind.Accepted;
        }
        return StreamEventKind.Unknown;
    }

    private static string? ReasonOf(ref Utf8JsonReader reader)
    {
        var reason = reader.TokenType == JsonTokenType.String ? JsonText.Unescape(reader.ValueSpan) : null;
        return reason is not null && TurnOutcome.IsEnd(reason) ? reason : null;
    }
}
