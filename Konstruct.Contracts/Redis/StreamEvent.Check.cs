using Konstruct.Contracts.Wire;

namespace Konstruct.Contracts.Redis;

/// <summary>Checks of a payload. Anyone with access to Redis can publish, so a payload is checked like a client's frame.</summary>
public readonly partial record struct StreamEvent
{
    /// <summary>Highest attempt of a turn.</summary>
    public const int MaxAttempt = 100;

    /// <summary>Highest seq, more than the largest log has chunks.</summary>
    public const int MaxSeq = 1_000_000;

    /// <summary>Longest message id of a client, in UTF-16 units.</summary>
    public const int MaxMessageIdLength = 128;

    /// <summary>Longest text in escaped bytes: the largest log that a worker can be configured for.</summary>
    public const int MaxTextBytes = 64 * 1024 * 1024;

    private const int OutOfRange = -1;

    private bool HasRoomForText => EscapedText is not { Length: > MaxTextBytes };

    private bool HasValidNumbers =>
        Kind switch
        {
            // Neither: a legacy orchestrator that echoes the turn but knows no attempts.
            StreamEventKind.Chunk => (Attempt, Seq) is (0, 0) or (>= 1 and <= MaxAttempt, >= 1 and <= MaxSeq),
            StreamEventKind.Done => (Attempt, Seq) is (>= 0 and <= MaxAttempt, >= 0 and <= MaxSeq + 1),
            StreamEventKind.Reset => Attempt is >= 1 and <= MaxAttempt,
            _ => true,
        };

    /// <summary>The payload with invalid parts removed.</summary>
    private StreamEvent Check()
    {
        if (IsLegacy)
        {
            // Attempt and seq have no meaning without a turn.
            return HasRoomForText ? this with { Attempt = 0, Seq = 0 } : TooLong() with { Attempt = 0, Seq = 0 };
        }

        if (!HasValidNumbers)
        {
            return default;
        }

        if (!HasRoomForText)
        {
            return TooLong();
        }

        return Kind switch
        {
            StreamEventKind.Chunk => WithoutLoneSurrogates(),
            StreamEventKind.Accepted when MessageId is { Length: 0 or > MaxMessageIdLength } => this with { MessageId = null },
            _ => this,
        };
    }

    /// <summary>A chunk that is too long is dropped. An end that is too long fails the turn with the text in the log.</summary>
    private StreamEvent TooLong() => Kind == StreamEventKind.Done ? this with { EscapedText = null, Reason = TurnOutcome.Failed } : default;

    /// <summary>
    /// JSON's grammar allows an escaped lone surrogate, but many parsers of clients do not. The payload is sent as a v2 frame, so it is rewritten.
    /// </summary>
    private StreamEvent WithoutLoneSurrogates()
    {
        if (EscapedText is not { } raw || !raw.Span.Contains((byte)'\\'))
        {
            return this;
        }

        var text = JsonText.Unescape(raw.Span);
        var repaired = text.ToWellFormed();
        return ReferenceEquals(text, repaired) ? this : Read(Chunk(repaired, TurnId, Attempt, Seq));
    }
}
