using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Turns;

/// <summary>Replay: reads missing chunks from the log, page by page, until a socket is up to date.</summary>
internal sealed partial class ConversationFeed
{
    private const int PageOfLog = 256;

    /// <summary>Compares a turn with Redis and catches up, because the channel may have missed payloads.</summary>
    public async Task ResyncAsync(Turn turn)
    {
        var state = await services.Log.ReadStateAsync(key.ConversationId, turn.TurnId);
        if (state.Attempt == 0)
        {
            // No worker has claimed the turn, or Redis lost it, possibly with its end. In that case Postgres has the end.
            var row = await services.Store.FindTurnAsync(key.TenantId, key.ConversationId, turn.TurnId, CancellationToken.None);
            if (row is null)
            {
                lock (_gate)
                {
                    if (turn.IsAccepted)
                    {
                        Drop(turn, ReadOnlyMemory<byte>.Empty);
                    }
                }
            }
            else if (row.IsEnded)
            {
                // The turn may have finished between the two reads, with chunks still in flight. So the log is read after the row.
                var known = await StoredTurn.ReadAsync(services.Log, row);
                if (known.HasLog)
                {
                    lock (_gate)
                    {
                        turn.LearnTrace(known.Traceparent);
                        Advance(turn, known.Attempt, known.LastSeq);
                    }
                }

                OnPersisted(turn, row);
            }

            return;
        }

        lock (_gate)
        {
            if (turn.IsEnding)
            {
                return;
            }

            turn.LearnTrace(state.Traceparent);
            Advance(turn, state.Attempt, state.LastSeq);
            HearOfChunk(turn, state.Silence);
            if (state.Outcome is { } outcome)
            {
                StartEnding(turn, outcome, state.Attempt, text: null);
            }

            foreach (var cursor in turn.Cursors.Where(cursor => cursor.Mode == CursorMode.Live).ToArray())
            {
                cursor.MoveTo(turn.Attempt);
                if (!cursor.IsUpToDate)
                {
                    StartCatchUp(cursor, ReplayCause.Gap);
                }
            }
        }
    }

    /// <summary>
    /// Counts a chunk that the channel missed as a sign of life. Redis reports its age in seconds, and this
    /// machine's stopwatch continues from there. The wall clocks of two machines are never compared.
    /// </summary>
    private void HearOfChunk(Turn turn, TimeSpan? silence)
    {
        if (silence is { } since)
        {
            turn.LastSignAt = Math.Max(turn.LastSignAt, services.Time.GetTimestamp() - (long)(since.TotalSeconds * services.Time.TimestampFrequency));
        }
    }

    private void StartCatchUp(TurnCursor cursor, ReplayCause cause)
    {
        cursor.Mode = CursorMode.CatchingUp;
        services.Metrics.Replayed(cause);
        var (trace, isOver) = (cursor.Turn.Trace, cursor.Turn.End is not null);
        services.Tasks.Run("replaying a turn", async () =>
        {
            // The trace of a finished turn has already been exported. A later replay has its own trace, with a link.
            using var span = isOver ? GatewayTelemetry.StartLinked("turn.replay", trace) : GatewayTelemetry.StartChild("turn.replay", trace);
            span?.SetTurn(cursor.Turn.TurnId).SetTag("konstruct.replay.cause", cause.ToString().ToLowerInvariant());
            await CatchUpAsync(cursor);
        });
    }

    /// <summary>
    /// Reads pages of the log until the socket is up to date. The check and the switch to live are one step, so no chunk is lost between them.
    /// </summary>
    private async Task CatchUpAsync(TurnCursor cursor)
    {
        while (true)
        {
            int attempt, after;
            lock (_gate)
            {
                attempt = cursor.Attempt;
                after = cursor.Seq;
            }

            var page = await ReadPageAsync(cursor, attempt, after);
            lock (_gate)
            {
                if (cursor.Mode != CursorMode.CatchingUp || SendPage(cursor, page))
                {
                    return;
                }
            }

            await cursor.Writer.RoomAsync();
        }
    }

    /// <summary>Null: the log could not be read. The next chunk, the next check of a silent turn or the turn's end retries.</summary>
    private async Task<IReadOnlyList<StreamEvent>?> ReadPageAsync(TurnCursor cursor, int attempt, int after)
    {
        try
        {
            return attempt == 0 ? [] : await services.Log.ReadAsync(key.ConversationId, cursor.Turn.TurnId, attempt, after, PageOfLog);
        }
#pragma warning disable CA1031 // Row boundary: a cursor stuck in its replay would stay silent.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            services.Failures.Report("reading a turn's log", exception);
            return null;
        }
    }

    /// <returns>True when the cursor needs no further page.</returns>
    private bool SendPage(TurnCursor cursor, IReadOnlyList<StreamEvent>? page)
    {
        var turn = cursor.Turn;
        var before = cursor.Seq;
        foreach (var entry in page ?? [])
        {
            if (entry.Kind == StreamEventKind.Chunk && entry.Seq == cursor.Seq + 1)
            {
                cursor.SendNext(entry, moreFollows: true);
            }
            else if (entry.Kind == StreamEventKind.Done)
            {
                End(turn, entry); // It may have been published before this gateway subscribed.
            }
        }

        cursor.Writer.SendQueued();

        if (turn.Attempt > cursor.Attempt)
        {
            cursor.MoveTo(turn.Attempt);
            if (cursor.Mode == CursorMode.CatchingUp)
            {
                return false;
            }
        }

        // Stop when everything was sent. If the log is gone or unreadable, the end, the next chunk or the next attempt decides.
        var isBehind = cursor.Seq < turn.LastSeq || page is { Count: PageOfLog };
        if (isBehind && cursor.Seq > before && cursor.Mode == CursorMode.CatchingUp)
        {
            return false;
        }

        if (turn.End is { } row)
        {
            cursor.SendEnd(row);
            turn.Cursors.Remove(cursor);
            RemoveIfOver(turn);
        }
        else if (cursor.Mode == CursorMode.CatchingUp)
        {
            cursor.Mode = CursorMode.Live;
        }

        return true;
    }
}
