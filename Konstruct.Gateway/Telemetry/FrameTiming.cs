namespace Konstruct.Gateway.Telemetry;

/// <summary>Start times of a frame's measurements, in ticks of <see cref="System.Diagnostics.Stopwatch"/>; 0: not measured.</summary>
/// <param name="HeardAt">Arrival of its payload on the channel.</param>
/// <param name="AskedAt">Time at which its message was taken up; set only in the first chunk for the sender's socket.</param>
internal readonly record struct FrameTiming(long HeardAt, long AskedAt)
{
    public bool IsMeasured => (HeardAt | AskedAt) != 0;

    /// <summary>Timing of a merged frame: its own times, or else those of the added text.</summary>
    public FrameTiming With(FrameTiming joining) => new(HeardAt != 0 ? HeardAt : joining.HeardAt, AskedAt != 0 ? AskedAt : joining.AskedAt);
}
