using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Streaming;

/// <summary>Ends of a feed's turns: each is persisted, and then sent to the turn's sockets from its row.</summary>
internal sealed class TurnEnds(FeedState state, FeedServices services)
{
    /// <summary>Replays what a socket lacks before it gets the end. Set by the feed.</summary>
    public required TurnReplay Replay { get; init; }

    /// <summary>Called when the channel or the log holds a turn's end. The caller holds the gate.</summary>
    public void OnEnd(Turn turn, StreamEvent done)
    {
        if (turn.IsEnding)
        {
            return;
        }

        if (!done.IsLegacy)
        {
            turn.Advance(done.Attempt, done.Seq - 1);
        }

        Persist(turn, done.Reason ?? TurnOutcome.Completed, done.Attempt, done.Utf8Text);
    }

    /// <summary>Starts to persist an end. The caller holds the gate.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="outcome">A word of <see cref="TurnOutcome"/>.</param>
    /// <param name="attempt">The attempt that ended it.</param>
    /// <param name="text">The full text, UTF-8; null: it is read from the log.</param>
    public void Persist(Turn turn, string outcome, int attempt, ReadOnlyMemory<byte>? text)
    {
        turn.IsEnding = true;
        var end = new TurnEnd(state.Key, turn.TurnId, outcome, attempt, text);
        services.Tasks.Run(
            "persisting an answer",
            async () => OnPersisted(turn, await services.Persister.PersistAsync(end, turn.Trace, turn.Activity))
        );
    }

    /// <summary>Called when Postgres has the turn's terminal state or does not have the turn, or when Redis lost the end.</summary>
    public void OnPersisted(Turn turn, PersistedTurn persisted)
    {
        if (persisted.Row is { } row)
        {
            Send(turn, row);
            return;
        }

        lock (state.Gate)
        {
            if (persisted.IsLost)
            {
                // The watch looks at the turn again, and the next attempt's end is not a second one.
                (turn.IsEnding, turn.IsOverdue) = (false, false);
                state.RemoveIfOver(turn);
                return;
            }

            Drop(turn, turn.IsStored ? persisted.Text : ReadOnlyMemory<byte>.Empty);
        }
    }

    /// <summary>
    /// Removes a turn that Postgres does not have, or no longer has. Sockets that know of it get an end. If the turn never belonged to
    /// this conversation, <paramref name="text"/> is empty, which takes back what they showed. Other sockets get nothing.
    /// </summary>
    public void Drop(Turn turn, ReadOnlyMemory<byte> text)
    {
        foreach (var cursor in turn.Cursors.Where(cursor => !cursor.IsAnnounced))
        {
            cursor.Detach();
        }

        turn.Cursors.RemoveAll(cursor => cursor.Mode == CursorMode.Ended);
        Send(turn, new(state.Key, turn.TurnId, TurnOutcome.Cancelled, turn.Attempt, text));
    }

    /// <summary>Sends an end to the turn's sockets, as the row has it.</summary>
    public void Send(Turn turn, TurnRow row)
    {
        lock (state.Gate)
        {
            if (turn is { IsOwned: true, End: null })
            {
                services.Metrics.TurnTook(row.Status, services.Time.GetElapsedTime(turn.BeganAt));
            }

            turn.IsEnding = true;
            turn.End = row;
            foreach (var cursor in turn.Cursors.ToArray())
            {
                if (cursor.Mode == CursorMode.CatchingUp)
                {
                    continue; // The replay sends the end when it is complete.
                }

                if (cursor.Mode == CursorMode.Live && !cursor.IsUpToDate)
                {
                    Replay.Start(cursor, ReplayCause.Gap);
                    continue;
                }

                cursor.SendEnd(row);
            }

            turn.Cursors.RemoveAll(cursor => cursor.Mode == CursorMode.Ended);
            state.RemoveIfOver(turn);
        }
    }
}
