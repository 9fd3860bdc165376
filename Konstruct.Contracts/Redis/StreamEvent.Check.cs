using Konstruct.Contracts.Wire;

namespace Konstruct.Contracts.Redis;

/// <summary>What a payload may say. Anybody who can reach Redis can publish: it is checked like a client's frame.</summary>
public readonly partial record struct StreamEvent
{
    /// <summary>Highest attempt of a turn.</summary>
    public const int MaxAttempt = 100;

    /// <summary>Highest seq: more chunks than the largest log holds.</summary>
    public const int MaxSeq = 1_000_000;

    /// <summary>Longest text, in escaped bytes: the largest log that a worker may be allowed.</summary>
    public const int MaxTextBytes = 64 * 1024 * 1024;

    private const int OutOfRange = -1;

    /// <summary>The payload as it may be acted on.</summary>
    private StreamEvent Check()
    {
        if (IsForeign)
        {
            // Numbers say nothing without a turn.
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
            StreamEventKind.Accepted when MessageId is { Length: 0 or > ClientFrame.MaxMessageIdLength } => this with { MessageId = null },
            _ => this,
        };
    }

    private bool HasRoomForText => EscapedText is not { Length: > MaxTextBytes };

    private bool HasValidNumbers => Kind switch
    {
        // Without both: an orchestrator that knows the turn and nothing of attempts.
        StreamEventKind.Chunk => (Attempt, Seq) is (0, 0) or ( >= 1 and <= MaxAttempt, >= 1 and <= MaxSeq),
        StreamEventKind.Done => (Attempt, Seq) is ( >= 0 and <= MaxAttempt, >= 0 and <= MaxSeq + 1),
        StreamEventKind.Reset => Attempt is >= 1 and <= MaxAttempt,
        _ => true,
    };

    /// <summary>A chunk that is too long is dropped. An end that is too long fails the turn with the text that the log has.</summary>
    private StreamEvent TooLong() =>
        Kind == StreamEventKind.Done ? this with { EscapedText = null, Reason = TurnOutcome.Failed } : default;

    /// <summary>JSON's grammar allows half a surrogate pair as an escape; many parsers of clients do not. The payload is a frame of v2, so it is written anew.</summary>
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
