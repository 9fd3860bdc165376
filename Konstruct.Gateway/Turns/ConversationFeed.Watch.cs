namespace Konstruct.Gateway.Turns;

/// <summary>What a turn needs of the watch.</summary>
internal enum TurnNeed
{
    Nothing,

    /// <summary>Its deadline has passed: it is to be failed.</summary>
    End,

    /// <summary>Its channel was silent: its state is to be asked for.</summary>
    Check,
}

/// <summary>What is known of a turn or a tab, for those who look from outside: read under the gate, like all that it guards.</summary>
internal sealed partial class ConversationFeed
{
    /// <summary>What a turn needs now. It is marked, so that a need is told once.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="silenceLimit">Without a chunk for so long, a turn of this gateway is to be failed.</param>
    /// <param name="turnLimit">Likewise when it lasts so long in all.</param>
    /// <param name="checkInterval">A channel that is silent for so long is checked, and again after as long.</param>
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

    /// <summary>The latest attempt that was heard of; 0: none yet.</summary>
    public int AttemptOf(Turn turn)
    {
        lock (_gate)
        {
            return turn.Attempt;
        }
    }

    /// <summary>Whether a tab may hear of its conversation now.</summary>
    public TabState StateOf(Tab tab)
    {
        lock (_gate)
        {
            return tab.State;
        }
    }
}
