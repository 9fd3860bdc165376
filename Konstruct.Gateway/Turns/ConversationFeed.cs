using System.Diagnostics;
using Konstruct.Gateway.Sockets;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Turns;

/// <summary>A conversation, within its tenant.</summary>
internal readonly record struct FeedKey(Guid TenantId, Guid ConversationId);

/// <summary>
/// What comes on one conversation's channel, and who wants it. One subscription, however many sockets and turns. Everything that changes goes through
/// one gate, held for as long as it takes to look and to queue frames; whatever waits for a store runs outside of it.
/// </summary>
internal sealed partial class ConversationFeed(FeedKey key, TurnServices services)
{
    /// <summary>How many turns that have ended are remembered: many times as many as may run at once.</summary>
    private const int Remembered = 32;

    private readonly Lock _gate = new();
    private readonly List<Turn> _turns = []; // In the order in which they were accepted: the first is the oldest.
    private readonly List<Tab> _tabs = [];
    private readonly List<FrameWriter> _keeping = []; // Sockets with frames that wait for the payloads that are at hand.
    private readonly Queue<Guid> _ended = []; // The last ones: what still comes of them is late, and begins nothing.
    private long _now; // When the payload came that is being taken, or the first of those that are at hand together.
    private bool _isAmongOthers; // The next payload is one of them.

    public FeedKey Key => key;

    /// <summary>How many sockets and turns hold this feed open. Guarded by the registry.</summary>
    public int References { get; set; }

    /// <summary>Completes when the subscription stands. Set by the registry.</summary>
    public required Task Opening { get; init; }

    /// <summary>Completes when the subscription is gone; null while the feed is in use. Guarded by the registry.</summary>
    public Task? Closing { get; set; }

    /// <summary>The turns it knows, for looking at.</summary>
    public Turn[] Turns()
    {
        lock (_gate)
        {
            return [.. _turns];
        }
    }

    /// <summary>The trace of a turn; default: it is not known here.</summary>
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

    /// <summary>A turn begins here: before it is dispatched, so that its first chunk finds a listener.</summary>
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

    /// <summary>The message of a turn that had begun is stored.</summary>
    public void Accept(TurnCursor cursor)
    {
        lock (_gate)
        {
            cursor.Turn.IsAccepted = true;
            cursor.Turn.IsStored = true;
        }
    }

    /// <summary>The message of a turn that had begun could not be dispatched after all: it was never accepted.</summary>
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

    /// <summary>A socket is gone. Its turns go on.</summary>
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

    /// <summary>The turn of a payload: one that is known, or one that began elsewhere and that a tab here wants.</summary>
    private Turn? FindOrFollow(Guid turnId) => Find(turnId) ?? Follow(turnId);

    private Turn? Follow(Guid turnId)
    {
        if (_ended.Contains(turnId))
        {
            return null;
        }

        // Not every turn is announced: not one that the sweep dispatches, and not one whose announcement was not heard.
        LookUpHopeful(turnId, messageId: null, isAnnounced: false);

        // A tab that is being opened joins later, and what began meanwhile, or is over by then, may be too young for its ready.
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
