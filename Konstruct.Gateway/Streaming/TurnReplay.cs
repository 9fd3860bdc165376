using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Streaming;

/// <summary>Reads missing chunks from a turn's log, page by page, until a socket is up to date.</summary>
/// <param name="state">The feed's turns and gate.</param>
/// <param name="services">Shared services.</param>
/// <param name="onEnd">Called under the gate when the log holds the turn's end, which may have been published before this gateway subscribed.</param>
internal sealed class TurnReplay(FeedState state, FeedServices services, Action<Turn, StreamEvent> onEnd)
{
    private const int PageSize = 256;

    /// <summary>Starts the replay of a cursor. The caller holds the gate.</summary>
    public void Start(TurnCursor cursor, ReplayCause cause)
    {
        cursor.Mode = CursorMode.CatchingUp;
        services.Metrics.Replayed(cause);
        var (trace, isOver) = (cursor.Turn.Trace, cursor.Turn.End is not null);
        services.Tasks.Run(
            "replaying a turn",
            async () =>
            {
                // The trace of a finished turn has already been exported. A later replay has its own trace, with a link.
                using var span = isOver ? GatewayTelemetry.StartLinked("turn.replay", trace) : GatewayTelemetry.StartChild("turn.replay", trace);
                span?.SetTurn(cursor.Turn.TurnId).SetTag("konstruct.replay.cause", cause.ToString().ToLowerInvariant());
                await CatchUpAsync(cursor);
            }
        );
    }

    /// <summary>
    /// Reads pages of the log until the socket is up to date. The check and the switch to live are one step, so no chunk is lost between them.
    /// </summary>
    private async Task CatchUpAsync(TurnCursor cursor)
    {
        while (true)
        {
            int attempt,
                after;
            lock (state.Gate)
            {
                attempt = cursor.Attempt;
                after = cursor.Seq;
            }

            var page = await ReadPageAsync(cursor, attempt, after);
            lock (state.Gate)
            {
                if (cursor.Mode != CursorMode.CatchingUp || SendPage(cursor, page))
                {
                    return;
                }
            }

            await cursor.Sink.RoomAsync();
        }
    }

    /// <summary>Null: the log could not be read. The next chunk, the next check of a silent turn or the turn's end retries.</summary>
    private async Task<IReadOnlyList<StreamEvent>?> ReadPageAsync(TurnCursor cursor, int attempt, int after)
    {
        try
        {
            return attempt == 0 ? [] : await services.Log.ReadAsync(state.Key.ConversationId, cursor.Turn.TurnId, attempt, after, PageSize);
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
                onEnd(turn, entry);
            }
        }

        cursor.Sink.SendQueued();

        if (turn.Attempt > cursor.Attempt)
        {
            cursor.MoveTo(turn.Attempt);
            if (cursor.Mode == CursorMode.CatchingUp)
            {
                return false;
            }
        }

        // Stop when everything was sent. If the log is gone or unreadable, the end, the next chunk or the next attempt decides.
        var isBehind = cursor.Seq < turn.LastSeq || page is { Count: PageSize };
        if (isBehind && cursor.Seq > before && cursor.Mode == CursorMode.CatchingUp)
        {
            return false;
        }

        if (turn.End is { } row)
        {
            cursor.SendEnd(row);
            turn.Cursors.Remove(cursor);
            state.RemoveIfOver(turn);
        }
        else if (cursor.Mode == CursorMode.CatchingUp)
        {
            cursor.Mode = CursorMode.Live;
        }

        return true;
    }
}
