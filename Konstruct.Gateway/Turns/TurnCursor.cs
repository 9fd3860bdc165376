using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Conversations;
using Konstruct.Gateway.Sockets;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Turns;

/// <summary>How far one socket has got with one turn.</summary>
internal enum CursorMode
{
    /// <summary>What comes on the channel goes straight to the socket.</summary>
    Live,

    /// <summary>Missing chunks are being read from the log; what comes meanwhile is read from there too.</summary>
    CatchingUp,

    /// <summary>v1, and another attempt began after chunks were sent: nothing more until <c>done</c>.</summary>
    Muted,

    /// <summary>Nothing more at all.</summary>
    Ended,
}

/// <summary>
/// One socket's place in one turn: the last seq that was sent decides what may be sent next, so that nothing is repeated, skipped or reordered
/// wherever it comes from. Guarded by its feed's gate.
/// </summary>
internal sealed class TurnCursor(Turn turn, FrameWriter writer, bool isV2, string conversationIdAsSpelled)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _sentAny;

    public Turn Turn => turn;

    public FrameWriter Writer => writer;

    public CursorMode Mode { get; set; } = CursorMode.Live;

    /// <summary>The attempt that the socket has chunks of; 0: none yet.</summary>
    public int Attempt { get; set; }

    /// <summary>The last seq that was sent; 0: none yet.</summary>
    public int Seq { get; set; }

    /// <summary>
    /// Whether the socket knows of the turn: it sent its message, or asked for it, or has had its <c>typing</c>. Otherwise that precedes whatever comes first:
    /// not every turn is announced, and on a Redis Cluster the announcement comes from another node than the chunks, perhaps behind them.
    /// </summary>
    public bool IsAnnounced { get; set; }

    /// <summary>When the turn's message was taken up, in its sender's cursor; see <see cref="FrameTiming"/>. Set before the turn is dispatched.</summary>
    public long AskedAt { get; set; }

    /// <summary>Completes when the socket has had the end of the turn, or never wants it.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Whether every chunk that is known of has been sent.</summary>
    public bool IsUpToDate => Mode == CursorMode.Muted || (Attempt == turn.Attempt && Seq >= turn.LastSeq) || turn.LastSeq == 0;

    /// <summary>Tells the socket of a turn that another one began; once.</summary>
    /// <param name="messageId">The message's own id; null: it has none, or is not known here.</param>
    public void Announce(string? messageId)
    {
        if (!IsAnnounced)
        {
            IsAnnounced = true;
            writer.Send(ServerFrames.TypingFor(turn.TurnId, messageId));
        }
    }

    /// <summary>Moves on to a later attempt.</summary>
    public void MoveTo(int attempt)
    {
        if (attempt <= Attempt)
        {
            return;
        }

        if (isV2 && attempt > 1)
        {
            Send(ServerFrames.Reset(turn.TurnId, attempt));
        }
        else if (!isV2 && _sentAny)
        {
            Mode = CursorMode.Muted;
        }

        Attempt = attempt;
        Seq = 0;
    }

    /// <summary>Tells a client to drop what it has: it named an attempt or a seq that cannot be continued.</summary>
    public void StartOver(int attempt)
    {
        Send(ServerFrames.Reset(turn.TurnId, attempt));
        Attempt = attempt;
        Seq = 0;
    }

    /// <summary>Sends the chunk whose seq is next.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="heardAt">When it came on the channel; 0: it comes from the log.</param>
    /// <param name="moreFollows">See <see cref="FrameWriter.Send"/>.</param>
    public void SendNext(in StreamEvent chunk, long heardAt = 0, bool moreFollows = false)
    {
        Seq = chunk.Seq;
        SendChunk(in chunk, heardAt, moreFollows);
    }

    /// <summary>Sends a chunk that has no seq: an orchestrator's that knows nothing of turns.</summary>
    public void SendForeign(in StreamEvent chunk, long heardAt, bool moreFollows) => SendChunk(in chunk, heardAt, moreFollows);

    /// <summary>Sends the end of the turn, from its row.</summary>
    public void SendEnd(TurnRow row)
    {
        Mode = CursorMode.Ended;
        if (isV2)
        {
            Send(ServerFrames.Done(row.Content.Span, conversationIdAsSpelled, row.TurnId, row.Attempt, row.Status));
        }
        else
        {
            Send(row.Status == TurnOutcome.Failed
                ? ServerFrames.Error(WireError.AgentTimeout)
                : ServerFrames.Done(row.Content.Span, conversationIdAsSpelled));
        }

        _ended.TrySetResult();
    }

    /// <summary>The socket is gone, or has asked for the turn anew.</summary>
    public void Detach()
    {
        Mode = CursorMode.Ended;
        _ended.TrySetResult();
    }

    private void SendChunk(in StreamEvent chunk, long heardAt, bool moreFollows)
    {
        var text = chunk.EscapedText.GetValueOrDefault();
        if (text.IsEmpty)
        {
            return; // Empty ones are not sent; they count all the same.
        }

        var timing = new FrameTiming(heardAt, _sentAny ? 0 : AskedAt);
        _sentAny = true;
        if (!isV2)
        {
            writer.SendChunk(JsonText.Normalise(text), timing, moreFollows);
            return;
        }

        Send(chunk.IsForeign
            ? ServerFrames.Chunk(JsonText.Normalise(text).Span, turn.TurnId, Math.Max(turn.Attempt, 1), seq: null)
            : chunk.Payload, timing, moreFollows);
    }

    /// <summary>Whatever comes of a turn comes behind its <c>typing</c>.</summary>
    private void Send(ReadOnlyMemory<byte> frame, FrameTiming timing = default, bool moreFollows = false)
    {
        Announce(messageId: null);
        writer.Send(frame, timing, moreFollows);
    }
}
