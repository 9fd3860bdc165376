using System.Text;
using System.Text.Json;

namespace Konstruct.Load.Client;

/// <summary>Kind of a server's frame.</summary>
internal enum FrameKind
{
    Other,
    Ready,
    Typing,
    Chunk,
    Done,
    Reset,
    Error,
}

/// <summary>A server's frame, read without a copy; absent members are empty or 0.</summary>
internal readonly ref struct ServerFrame
{
    public FrameKind Kind { get; private init; }

    /// <summary>Content of <c>text</c>, still escaped.</summary>
    public ReadOnlySpan<byte> Text { get; private init; }

    public Guid TurnId { get; private init; }

    public int Attempt { get; private init; }

    public int Seq { get; private init; }

    /// <summary><c>reason</c> of <c>done</c>; <c>code</c>, or else <c>message</c>, of <c>error</c>.</summary>
    public string? Detail { get; private init; }

    public static ServerFrame Parse(ReadOnlySpan<byte> frame)
    {
        var reader = new Utf8JsonReader(frame);
        var (kind, turnId, attempt, seq, detail) = (FrameKind.Other, Guid.Empty, 0, 0, (string?)null);
        ReadOnlySpan<byte> text = default;
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.ValueSpan;
                reader.Read();
                if (name.SequenceEqual("type"u8))
                {
                    kind = KindOf(reader.ValueSpan);
                }
                else if (name.SequenceEqual("text"u8))
                {
                    text = reader.ValueSpan;
                }
                else if (name.SequenceEqual("turn_id"u8))
                {
                    turnId = reader.GetGuid();
                }
                else if (name.SequenceEqual("attempt"u8))
                {
                    attempt = reader.GetInt32();
                }
                else if (name.SequenceEqual("seq"u8))
                {
                    seq = reader.GetInt32();
                }
                else if (name.SequenceEqual("code"u8) || name.SequenceEqual("reason"u8) || (name.SequenceEqual("message"u8) && detail is null))
                {
                    detail = Encoding.UTF8.GetString(reader.ValueSpan);
                }
                else
                {
                    reader.Skip();
                }
            }
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException)
        {
            return default; // Counted as another kind of frame; the report shows the number.
        }

        return new()
        {
            Kind = kind,
            Text = text,
            TurnId = turnId,
            Attempt = attempt,
            Seq = seq,
            Detail = detail,
        };
    }

    private static FrameKind KindOf(ReadOnlySpan<byte> type) =>
        type.SequenceEqual("chunk"u8) ? FrameKind.Chunk
        : type.SequenceEqual("done"u8) ? FrameKind.Done
        : type.SequenceEqual("typing"u8) ? FrameKind.Typing
        : type.SequenceEqual("ready"u8) ? FrameKind.Ready
        : type.SequenceEqual("reset"u8) ? FrameKind.Reset
        : type.SequenceEqual("error"u8) ? FrameKind.Error
        : FrameKind.Other;
}
