using System.Diagnostics;
using Konstruct.Contracts.Telemetry;
using Konstruct.Gateway.Storage;

namespace Konstruct.Gateway.Streaming;

/// <summary>A running turn, as one gateway knows it. Guarded by its feed's gate.</summary>
internal sealed class Turn(Guid turnId)
{
    public Guid TurnId => turnId;

    /// <summary>Latest attempt seen; 0: none yet.</summary>
    public int Attempt { get; set; }

    /// <summary>Highest seq of that attempt that is known to be in the log.</summary>
    public int LastSeq { get; set; }

    /// <summary>True on the gateway that dispatched it. That gateway stays subscribed until the end and watches the deadline.</summary>
    public bool IsOwned { get; set; }

    /// <summary>False while its message is being stored. Until then a legacy payload, which names no turn, cannot belong to it.</summary>
    public bool IsAccepted { get; set; } = true;

    /// <summary>Whether Postgres is known to have it in this conversation. A turn known from the channel alone may belong elsewhere.</summary>
    public bool IsStored { get; set; }

    /// <summary>Whether any attempt has sent a chunk.</summary>
    public bool HasChunks { get; set; }

    /// <summary>Time at which this gateway learned of it.</summary>
    public long BeganAt { get; init; }

    /// <summary>Time of the last chunk, or <see cref="BeganAt"/>.</summary>
    public long LastSignAt { get; set; }

    /// <summary>Time of the last check that followed silence on the channel.</summary>
    public long LastCheckedAt { get; set; }

    /// <summary>The deadline has passed, and the turn is being failed.</summary>
    public bool IsOverdue { get; set; }

    /// <summary>The end is being persisted.</summary>
    public bool IsEnding { get; set; }

    /// <summary>The end as persisted; null until then.</summary>
    public TurnRow? End { get; set; }

    /// <summary>The root span, on the gateway that accepted the message.</summary>
    public Activity? Activity { get; init; }

    /// <summary>Parent of its spans; default: not known yet.</summary>
    public ActivityContext Trace
    {
        get => Activity?.Context ?? field;
        private set;
    }

    /// <summary>The sockets that follow it.</summary>
    public List<TurnCursor> Cursors { get; } = [];

    /// <summary>Sets the trace. The first one wins.</summary>
    public void LearnTrace(string? traceparent)
    {
        if (Trace == default)
        {
            Trace = TraceParent.Parse(traceparent);
        }
    }

    /// <summary>Records an attempt or seq that is known to be in the log. An earlier one changes nothing.</summary>
    public void Advance(int attempt, int seq)
    {
        if (attempt > Attempt)
        {
            Attempt = attempt;
            LastSeq = seq;
        }
        else if (attempt == Attempt && seq > LastSeq)
        {
            LastSeq = seq;
        }
    }

    /// <summary>Records a chunk.</summary>
    /// <param name="now">Timestamp of its arrival.</param>
    public void OnSignOfLife(long now)
    {
        LastSignAt = now;
        if (!HasChunks && IsOwned)
        {
            Activity?.AddEvent(new("first_chunk"));
        }

        HasChunks = true;
    }

    /// <summary>Action that the turn requires now. Marks the turn, so that each need is reported once.</summary>
    public TurnNeed NeedOf(TurnLimits limits, TimeProvider time)
    {
        if (IsEnding || IsOverdue)
        {
            return TurnNeed.Nothing;
        }

        var silence = time.GetElapsedTime(LastSignAt);
        if (IsOwned && (silence >= limits.Silence || time.GetElapsedTime(BeganAt) >= limits.Duration))
        {
            IsOverdue = true;
            return TurnNeed.End;
        }

        if (silence < limits.Check || time.GetElapsedTime(LastCheckedAt) < limits.Check)
        {
            return TurnNeed.Nothing;
        }

        LastCheckedAt = time.GetTimestamp();
        return TurnNeed.Check;
    }
}
