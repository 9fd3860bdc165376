using System.Diagnostics;
using Konstruct.Contracts.Telemetry;
using Konstruct.Gateway.Conversations;

namespace Konstruct.Gateway.Turns;

/// <summary>A turn that is being answered, as one gateway knows it. Guarded by its feed's gate.</summary>
internal sealed class Turn(Guid turnId)
{
    public Guid TurnId => turnId;

    /// <summary>The latest attempt that was heard of; 0: none yet.</summary>
    public int Attempt { get; set; }

    /// <summary>The highest seq of that attempt that is known to be in the log.</summary>
    public int LastSeq { get; set; }

    /// <summary>This gateway dispatched it: it keeps the subscription until the end and watches the deadline.</summary>
    public bool IsOwned { get; set; }

    /// <summary>False while its message is still being stored: until then an answer that names no turn cannot be for it.</summary>
    public bool IsAccepted { get; set; } = true;

    /// <summary>Whether Postgres was seen to have it in this conversation. What is only heard of on the channel may be anybody's.</summary>
    public bool IsStored { get; set; }

    /// <summary>Whether a chunk was heard of any attempt.</summary>
    public bool HasChunks { get; set; }

    /// <summary>When this gateway learned of it.</summary>
    public long BeganAt { get; init; }

    /// <summary>When the last chunk came, or <see cref="BeganAt"/>.</summary>
    public long LastSignAt { get; set; }

    /// <summary>When its state was last asked for because the channel was silent.</summary>
    public long LastCheckedAt { get; set; }

    /// <summary>Its deadline has passed, and its end is on the way.</summary>
    public bool IsOverdue { get; set; }

    /// <summary>Its end is being persisted.</summary>
    public bool IsEnding { get; set; }

    /// <summary>Its end as Postgres has it; null until then.</summary>
    public TurnRow? End { get; set; }

    /// <summary>The root span, in the gateway that accepted the message.</summary>
    public Activity? Activity { get; init; }

    /// <summary>Where spans about it belong; default while this gateway does not know.</summary>
    public ActivityContext Trace
    {
        get => Activity?.Context ?? field;
        private set;
    }

    /// <summary>The sockets that follow it.</summary>
    public List<TurnCursor> Cursors { get; } = [];

    /// <summary>Learns its trace from whoever knows it. The first counts.</summary>
    public void LearnTrace(string? traceparent)
    {
        if (Trace == default)
        {
            Trace = TraceParent.Parse(traceparent);
        }
    }
}
