using System.Diagnostics;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Streaming;

/// <summary>
/// The turns and subscribers of a feed, shared by its parts. <see cref="Gate"/> guards all of it, including the turns, cursors and
/// subscribers themselves. It is held only to read state and queue frames; calls to stores run outside it.
/// </summary>
/// <param name="key">The conversation.</param>
/// <param name="time">The clock.</param>
/// <param name="release">Called once for each turn of this gateway that is over; the turn held the feed open.</param>
internal sealed class FeedState(ConversationKey key, TimeProvider time, Action release)
{
    /// <summary>Number of ended turns that are remembered, a multiple of those that may run at once.</summary>
    private const int Remembered = 32;

    private readonly Queue<Guid> _ended = []; // Recently ended turns: late payloads of these start nothing.

    public Lock Gate { get; } = new();

    public ConversationKey Key => key;

    /// <summary>The known turns in order of acceptance: the first is the oldest.</summary>
    public List<Turn> Turns { get; } = [];

    public List<Subscriber> Subscribers { get; } = [];

    /// <summary>The oldest turn that a legacy payload, which names no turn, can belong to.</summary>
    public Turn? OldestPending => Turns.Find(turn => turn.IsAccepted && !turn.IsEnding);

    public Turn? Find(Guid turnId)
    {
        foreach (var turn in Turns)
        {
            if (turn.TurnId == turnId)
            {
                return turn;
            }
        }

        return null;
    }

    public bool HasEnded(Guid turnId) => _ended.Contains(turnId);

    public Turn AddTurn(Guid turnId, Activity? activity)
    {
        var now = time.GetTimestamp();
        var turn = new Turn(turnId)
        {
            BeganAt = now,
            LastSignAt = now,
            LastCheckedAt = now,
            Activity = activity,
        };
        Turns.Add(turn);
        return turn;
    }

    /// <summary>Removes the turns that no socket and no store call requires any more.</summary>
    public void RemoveWhatIsOver()
    {
        foreach (var turn in Turns.ToArray())
        {
            RemoveIfOver(turn);
        }
    }

    public void RemoveIfOver(Turn turn)
    {
        var isWanted = turn.Cursors.Count > 0 || Subscribers.Exists(subscriber => subscriber.State == SubscriberState.Opening);
        if (!isWanted && (turn.End is not null || (!turn.IsOwned && !turn.IsEnding)))
        {
            Remove(turn);
        }
    }

    public void Remove(Turn turn)
    {
        if (!Turns.Remove(turn))
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
            release();
        }
    }

    /// <summary>Adds the turns that this gateway began and that have not ended.</summary>
    public TurnCounts Count(TurnCounts counts)
    {
        foreach (var turn in Turns)
        {
            counts = turn switch
            {
                { IsOwned: false } or { End: not null } => counts,
                { IsEnding: true } => counts with { Ending = counts.Ending + 1 },
                { HasChunks: true } => counts with { Streaming = counts.Streaming + 1 },
                _ => counts with { Waiting = counts.Waiting + 1 },
            };
        }

        return counts;
    }
}
