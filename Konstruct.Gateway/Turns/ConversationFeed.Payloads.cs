using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Conversations;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Turns;

/// <summary>Payloads of the channel. Each one advances its turn, and each cursor of the turn sends what is next for it.</summary>
internal sealed partial class ConversationFeed
{
    /// <summary>Handles one payload of the channel. Called for one payload at a time, in the order of publication.</summary>
    /// <param name="payload">The payload's bytes.</param>
    /// <param name="moreFollow">The next payload has already arrived, so frames of this one may wait until that one is handled too.</param>
    public void OnPayload(ReadOnlyMemory<byte> payload, bool moreFollow = false)
    {
        var heardAt = services.Metrics.Now;
        var read = StreamEvent.Parse(payload);
        lock (_gate)
        {
            if (!_isAmongOthers)
            {
                _now = services.Time.GetTimestamp();
            }

            _isAmongOthers = moreFollow;
            switch (read.Kind)
            {
                case StreamEventKind.Chunk when read.IsForeign:
                    OnForeignChunk(in read, heardAt, moreFollow);
                    break;
                case StreamEventKind.Chunk:
                    OnChunk(in read, heardAt, moreFollow);
                    break;
                case StreamEventKind.Done:
                    OnDone(read);
                    break;
                case StreamEventKind.Reset when !read.IsForeign:
                    OnReset(read);
                    break;
                case StreamEventKind.Accepted when !read.IsForeign:
                    OnAccepted(read);
                    break;
            }

            if (!moreFollow)
            {
                SendKept();
            }
        }
    }

    /// <summary>Called when Postgres has the turn's terminal state.</summary>
    public void OnFinished(Turn turn, FinishedTurn finished)
    {
        if (finished.Row is { } row)
        {
            OnPersisted(turn, row);
            return;
        }

        lock (_gate)
        {
            Drop(turn, turn.IsStored ? finished.Text : ReadOnlyMemory<byte>.Empty);
        }
    }

    /// <summary>
    /// Removes a turn that Postgres does not have, or no longer has. Sockets that know of it get an end. If the turn never belonged to
    /// this conversation, <paramref name="text"/> is empty, which takes back what they showed. Other sockets get nothing.
    /// </summary>
    private void Drop(Turn turn, ReadOnlyMemory<byte> text)
    {
        foreach (var cursor in turn.Cursors.Where(cursor => !cursor.IsAnnounced))
        {
            cursor.Detach();
        }

        turn.Cursors.RemoveAll(cursor => cursor.Mode == CursorMode.Ended);
        OnPersisted(turn, new(key.TenantId, key.ConversationId, turn.TurnId, TurnOutcome.Cancelled, turn.Attempt, text));
    }

    /// <summary>Called when the turn is persisted. Sends the end to its subscribers.</summary>
    public void OnPersisted(Turn turn, TurnRow row)
    {
        lock (_gate)
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
                    StartCatchUp(cursor, ReplayCause.Gap);
                    continue;
                }

                cursor.SendEnd(row);
            }

            turn.Cursors.RemoveAll(cursor => cursor.Mode == CursorMode.Ended);
            RemoveIfOver(turn);
        }
    }

    private void OnReset(StreamEvent reset)
    {
        if (FindOrFollow(reset.TurnId) is not { } turn)
        {
            return;
        }

        turn.Activity?.AddEvent(new("reset", tags: new() { ["konstruct.turn.attempt"] = reset.Attempt }));
        Advance(turn, reset.Attempt, seq: 0);
        foreach (var cursor in turn.Cursors.Where(cursor => cursor.Mode == CursorMode.Live))
        {
            cursor.MoveTo(turn.Attempt);
        }
    }

    private void OnChunk(in StreamEvent chunk, long heardAt, bool moreFollow)
    {
        if (FindOrFollow(chunk.TurnId) is not { } turn || chunk.Attempt < turn.Attempt)
        {
            return;
        }

        Advance(turn, chunk.Attempt, chunk.Seq);
        OnSignOfLife(turn);
        foreach (var cursor in turn.Cursors)
        {
            if (cursor.Mode != CursorMode.Live)
            {
                continue;
            }

            cursor.MoveTo(chunk.Attempt);
            if (cursor.Mode == CursorMode.Live && chunk.Seq == cursor.Seq + 1)
            {
                cursor.SendNext(in chunk, heardAt, MayKeep(cursor, moreFollow));
            }
            else if (cursor.Mode == CursorMode.Live && chunk.Seq > cursor.Seq)
            {
                StartCatchUp(cursor, ReplayCause.Gap);
            }
        }
    }

    private void OnForeignChunk(in StreamEvent chunk, long heardAt, bool moreFollow)
    {
        if (OldestPending() is not { } turn)
        {
            return;
        }

        OnSignOfLife(turn);
        foreach (var cursor in turn.Cursors.Where(cursor => cursor.Mode == CursorMode.Live))
        {
            cursor.SendForeign(in chunk, heardAt, MayKeep(cursor, moreFollow));
        }
    }

    /// <summary>Whether a socket may hold a frame back until the payloads that have arrived are handled.</summary>
    private bool MayKeep(TurnCursor cursor, bool moreFollow)
    {
        if (moreFollow && !_keeping.Contains(cursor.Writer))
        {
            _keeping.Add(cursor.Writer);
        }

        return moreFollow;
    }

    private void SendKept()
    {
        foreach (var writer in _keeping)
        {
            writer.SendQueued();
        }

        _keeping.Clear();
    }

    private void OnDone(StreamEvent done)
    {
        var turn = done.IsForeign ? OldestPending() : FindOrFollow(done.TurnId);
        if (turn is not null)
        {
            End(turn, done);
        }
    }

    private void End(Turn turn, StreamEvent done)
    {
        if (turn.IsEnding)
        {
            return;
        }

        if (!done.IsForeign)
        {
            Advance(turn, done.Attempt, done.Seq - 1);
        }

        StartEnding(turn, done.Reason ?? TurnOutcome.Completed, done.Attempt, done.Utf8Text);
    }

    private void OnSignOfLife(Turn turn)
    {
        turn.LastSignAt = _now;
        if (!turn.HasChunks && turn.IsOwned)
        {
            turn.Activity?.AddEvent(new("first_chunk"));
        }

        turn.HasChunks = true;
    }

    private Turn? OldestPending() => _turns.Find(turn => turn.IsAccepted && !turn.IsEnding);

    private static void Advance(Turn turn, int attempt, int seq)
    {
        if (attempt > turn.Attempt)
        {
            turn.Attempt = attempt;
            turn.LastSeq = seq;
        }
        else if (attempt == turn.Attempt && seq > turn.LastSeq)
        {
            turn.LastSeq = seq;
        }
    }

    private void StartEnding(Turn turn, string outcome, int attempt, ReadOnlyMemory<byte>? text)
    {
        turn.IsEnding = true;
        var ending = new TurnEnding(key.TenantId, key.ConversationId, turn.TurnId, outcome, attempt, text);
        services.Tasks.Run("persisting an answer", async () => OnFinished(turn, await services.Finisher.FinishAsync(ending, turn.Trace, turn.Activity)));
    }
}
