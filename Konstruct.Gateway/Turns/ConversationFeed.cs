using System.Diagnostics;
using Konstruct.Gateway.Sockets;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Turns;

/// <summary>A conversation and its tenant.</summary>
internal readonly record struct FeedKey(Guid TenantId, Guid ConversationId);

/// <summary>
/// One conversation's channel and its subscribers: one subscription for any number of sockets and turns. One gate
/// guards all state. It is held only to read state and queue frames; calls to stores run outside it.
/// </summary>
internal sealed partial class ConversationFeed(FeedKey key, TurnServices services)
{
    /// <summary>Number of ended turns that are remembered, a multiple of those that may run at once.</summary>
    private const int Remembered = 32;

    private readonly Lock _gate = new();
    private readonly List<Turn> _turns = []; // In order of acceptance: the first is the oldest.
    private readonly List<Tab> _tabs = [];
    private readonly List<FrameWriter> _keeping = []; // Sockets with frames held back until the current batch is handled.
    private readonly Queue<Guid> _ended = []; // Recently ended turns: late payloads of these start nothing.
    private long _now; // Timestamp of the current batch of payloads.
    private bool _isAmongOthers; // True while inside a batch.

    public FeedKey Key => key;

    /// <summary>Number of sockets and turns that hold this feed open. Guarded by the registry.</summary>
    public int References { get; set; }

    /// <summary>Completes when the subscription is established. Set by the registry.</summary>
    public required Task Opening { get; init; }

    /// <summary>Completes when the subscription is removed; null while the feed is in use. Guarded by the registry.</summary>
    public Task? Closing { get; set; }

    /// <summary>Snapshot of the known turns.</summary>
    public Turn[] Turns()
    {
        lock (_gate)
        {
            return [.. _turns];
        }
    }

    /// <summary>Trace of a turn; default: unknown here.</summary>
    public ActivityContext TraceOf(Guid turnId)
    {
        lock (_gate)
        {
            return Find(turnId)?.Trace ?? default;
        }
    }

    /// <summary>Adds the turns that this gateway began and that have not ended.</summary>
    public TurnCounts Count(TurnCounts counts)
    {
        lock (_gate)
        {
            foreach (var turn in _turns)
            {
                counts = turn switch
                {
                    { IsOwned: false } or { End: not null } => counts,
                    { IsEnding: true } => counts with { Ending = counts.Ending + 1 },
                    { HasChunks: true } => counts with { Streaming = counts.Streaming + 1 },
                    _ => counts with { Waiting = counts.Waiting + 1 },
                };
            }
        }

        return counts;
    }

    /// <summary>Begins a turn on this gateway. Called before dispatch, so that the first chunk finds a listener.</summary>
    public TurnCursor Begin(Guid turnId, FrameWriter writer, bool isV2, string conversationIdAsSpelled, Activity? activity)
    {
        lock (_gate)
        {
            var turn = AddTurn(turnId, activity);
            turn.IsOwned = true;
            turn.IsAccepted = false;
            var own = new TurnCursor(turn, writer, isV2, conversationIdAsSpelled) { IsAnnounced = true };
            turn.Cursors.Add(own);
            AddTabs(turn);
            return own;
        }
    }

    /// <summary>Called when the turn's message is stored.</summary>
    public void Accept(TurnCursor cursor)
    {
        lock (_gate)
        {
            cursor.Turn.IsAccepted = true;
            cursor.Turn.IsStored = true;
        }
    }

    /// <summary>Called when the turn's message was not accepted.</summary>
    public void Forget(TurnCursor cursor)
    {
        lock (_gate)
        {
            foreach (var other in cursor.Turn.Cursors)
            {
                other.Detach();
            }

            cursor.Turn.Cursors.Clear();
            Remove(cursor.Turn);
        }
    }

    /// <summary>Called when a socket is gone. Its turns continue.</summary>
    public void Remove(FrameWriter writer, Tab? tab)
    {
        lock (_gate)
        {
            if (tab is not null)
            {
                _tabs.Remove(tab);
            }

            foreach (var turn in _turns)
            {
                foreach (var cursor in turn.Cursors.Where(cursor => cursor.Writer == writer))
                {
                    cursor.Detach();
                }

                turn.Cursors.RemoveAll(cursor => cursor.Mode == CursorMode.Ended);
            }

            RemoveWhatIsOver();
        }
    }

    private Turn? Find(Guid turnId)
    {
        foreach (var turn in _turns)
        {
            if (turn.TurnId == turnId)
            {
                return turn;
            }
        }

        return null;
    }

    private Turn AddTurn(Guid turnId, Activity? activity)
    {
        var now = services.Time.GetTimestamp();
        var turn = new Turn(turnId) { BeganAt = now, LastSignAt = now, LastCheckedAt = now, Activity = activity };
        _turns.Add(turn);
        return turn;
    }

    /// <summary>Finds the turn of a payload: a known one, or one that began elsewhere and has a subscriber here.</summary>
    private Turn? FindOrFollow(Guid turnId) => Find(turnId) ?? Follow(turnId);

    private Turn? Follow(Guid turnId)
    {
        if (_ended.Contains(turnId))
        {
            return null;
        }

        // A turn that the sweep dispatches is not announced, and an announcement can be missed.
        LookUpHopeful(turnId, messageId: null, isAnnounced: false);

        // A subscriber that is still opening joins later. A turn that began meanwhile may be missing from its ready, even if it has ended by then.
        if (!_tabs.Exists(tab => tab.State == TabState.Opening || (tab.State == TabState.Joined && !tab.Silent.Contains(turnId))))
        {
            return null;
        }

        var turn = AddTurn(turnId, activity: null);
        AddTabs(turn);
        return turn;
    }

    private void RemoveWhatIsOver()
    {
        foreach (var turn in _turns.ToArray())
        {
            RemoveIfOver(turn);
        }
    }

    private void RemoveIfOver(Turn turn)
    {
        if (turn.Cursors.Count == 0 && !_tabs.Exists(tab => tab.State == TabState.Opening) && (turn.End is not null || (!turn.IsOwned && !turn.IsEnding)))
        {
            Remove(turn);
        }
    }

    private void Remove(Turn turn)
    {
        if (!_turns.Remove(turn))
        {
            return;
        }

        if (turn.End is not null && !_ended.Contains(turn.TurnId))
        {
            _ended.Enqueue(turn.TurnId);
            if (_ended.Count > Remembered)
            {
                _ended.Dequeue();
            }
        }

        if (turn.IsOwned)
        {
            turn.IsOwned = false;
            turn.Activity?.Dispose();
            services.Release(this);
        }
    }
}
