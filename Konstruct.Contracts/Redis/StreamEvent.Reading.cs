using System.Buffers.Text;
using System.Text.Json;
using Konstruct.Contracts.Wire;

namespace Konstruct.Contracts.Redis;

/// <content>Reading a payload.</content>
public readonly partial record struct StreamEvent
{
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
