namespace Konstruct.Gateway.Turns;

/// <summary>Action that a turn requires of the watch.</summary>
internal enum TurnNeed
{
    Nothing,

    /// <summary>The deadline has passed: fail the turn.</summary>
    End,

    /// <summary>The channel was silent: read the turn's state.</summary>
    Check,
}

/// <summary>Access to turns and subscribers for other classes, under the gate.</summary>
internal sealed partial class ConversationFeed
{
    /// <summary>Action that a turn requires now. Marks the turn, so that each need is reported once.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="silenceLimit">A turn of this gateway is failed after this time without a chunk.</param>
    /// <param name="turnLimit">A turn of this gateway is failed after this total time.</param>
    /// <param name="checkInterval">A turn is checked after this time of silence, and again at this interval.</param>
    public TurnNeed NeedOf(Turn turn, TimeSpan silenceLimit, TimeSpan turnLimit, TimeSpan checkInterval)
    {
        lock (_gate)
        {
            if (turn.IsEnding || turn.IsOverdue)
            {
                return TurnNeed.Nothing;
            }

            var silence = services.Time.GetElapsedTime(turn.LastSignAt);
            if (turn.IsOwned && (silence >= silenceLimit || services.Time.GetElapsedTime(turn.BeganAt) >= turnLimit))
            {
                turn.IsOverdue = true;
                return TurnNeed.End;
            }

            if (silence < checkInterval || services.Time.GetElapsedTime(turn.LastCheckedAt) < checkInterval)
            {
                return TurnNeed.Nothing;
            }

            turn.LastCheckedAt = services.Time.GetTimestamp();
            return TurnNeed.Check;
        }
    }

    /// <summary>Takes back that a turn is overdue, so that <see cref="NeedOf"/> reports it again.</summary>
    public void WatchAgain(Turn turn)
    {
        lock (_gate)
        {
            turn.IsOverdue = false;
        }
    }

    /// <summary>Latest attempt seen; 0: none yet.</summary>
    public int AttemptOf(Turn turn)
    {
        lock (_gate)
        {
            return turn.Attempt;
        }
    }

    /// <summary>Whether a subscriber may receive turns of its conversation.</summary>
    public TabState StateOf(Tab tab)
    {
        lock (_gate)
        {
            return tab.State;
        }
    }
}
