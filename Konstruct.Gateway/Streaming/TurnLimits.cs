namespace Konstruct.Gateway.Streaming;

/// <summary>Action that a turn requires of the watch.</summary>
internal enum TurnNeed
{
    Nothing,

    /// <summary>The deadline has passed: fail the turn.</summary>
    End,

    /// <summary>The channel was silent: read the turn's state.</summary>
    Check,
}

/// <summary>Limits of a turn's silence and duration.</summary>
/// <param name="Silence">A turn of this gateway is failed after this time without a chunk.</param>
/// <param name="Duration">A turn of this gateway is failed after this total time.</param>
/// <param name="Check">A turn is compared with the stores after this time of silence, and again at this interval.</param>
internal readonly record struct TurnLimits(TimeSpan Silence, TimeSpan Duration, TimeSpan Check);
