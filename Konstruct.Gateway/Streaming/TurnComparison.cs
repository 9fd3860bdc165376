using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Streaming;

/// <summary>Compares a turn with the stores and catches up, because the channel may have missed payloads.</summary>
internal sealed class TurnComparison(FeedState state, FeedServices services, TurnReplay replay, TurnEnds ends)
{
    /// <summary>Compares one turn. Throws what the stores throw when they are down.</summary>
    public async Task RunAsync(Turn turn)
    {
        var known = await services.Log.ReadStateAsync(state.Key.ConversationId, turn.TurnId);
        if (known.Attempt == 0)
        {
            await CompareWithPostgresAsync(turn);
            return;
        }

        lock (state.Gate)
        {
            if (turn.IsEnding)
            {
                return;
            }

            turn.LearnTrace(known.Traceparent);
            turn.Advance(known.Attempt, known.LastSeq);
            CountAsSign(turn, known.Silence);
            if (known.Outcome is { } outcome)
            {
                ends.Persist(turn, outcome, known.Attempt, text: null);
            }

            foreach (var cursor in turn.Cursors.Where(cursor => cursor.Mode == CursorMode.Live).ToArray())
            {
                cursor.MoveTo(turn.Attempt);
                if (!cursor.IsUpToDate)
                {
                    replay.Start(cursor, ReplayCause.Gap);
                }
            }
        }
    }

    /// <summary>No worker has claimed the turn, or Redis lost it, possibly with its end. In that case Postgres has the end.</summary>
    private async Task CompareWithPostgresAsync(Turn turn)
    {
        var wasAccepted = turn.IsAccepted; // Before the row is read: a message that is stored between the two is not one that Postgres lacks.
        var row = await services.Store.FindTurnAsync(state.Key, turn.TurnId, CancellationToken.None);
        if (row is null)
        {
            lock (state.Gate)
            {
                if (wasAccepted)
                {
                    ends.Drop(turn, ReadOnlyMemory<byte>.Empty);
                }
            }
        }
        else if (row.IsEnded)
        {
            // The turn may have finished between the two reads, with chunks still in flight. So the log is read after the row.
            var known = await StoredTurn.ReadAsync(services.Log, row);
            if (!known.HasOnlyRow)
            {
                lock (state.Gate)
                {
                    turn.LearnTrace(known.Traceparent);
                    turn.Advance(known.Attempt, known.LastSeq);
                }
            }

            ends.Send(turn, row);
        }
    }

    /// <summary>
    /// Counts a chunk that the channel missed as a sign of life. Redis reports its age in seconds, and this
    /// machine's stopwatch continues from there. The wall clocks of two machines are never compared.
    /// </summary>
    private void CountAsSign(Turn turn, TimeSpan? silence)
    {
        if (silence is { } since)
        {
            turn.LastSignAt = Math.Max(turn.LastSignAt, services.Time.GetTimestamp() - (long)(since.TotalSeconds * services.Time.TimestampFrequency));
        }
    }
}
