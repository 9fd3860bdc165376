namespace Konstruct.Gateway.Telemetry;

/// <summary>What a frame's way through the gateway is measured from, in ticks of <see cref="System.Diagnostics.Stopwatch"/>; 0: not measured.</summary>
/// <param name="HeardAt">When its payload came on the channel.</param>
/// <param name="AskedAt">When its message was taken up, in the first chunk that the sender's socket is sent.</param>
internal readonly record struct FrameTiming(long HeardAt, long AskedAt)
{
    public bool IsMeasured => (HeardAt | AskedAt) != 0;

    /// <summary>Of a frame that other text has joined: its own times, and the joining text's where it has none.</summary>
    public FrameTiming With(FrameTiming joining) =>
        new(HeardAt != 0 ? HeardAt : joining.HeardAt, AskedAt != 0 ? AskedAt : joining.AskedAt);
}
