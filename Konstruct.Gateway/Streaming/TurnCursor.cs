using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Protocol;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Streaming;

/// <summary>State of a cursor.</summary>
internal enum CursorMode
{
    /// <summary>Payloads of the channel go straight to the socket.</summary>
    Live,

    /// <summary>Missing chunks are being read from the log, and so are those that arrive meanwhile.</summary>
    CatchingUp,

    /// <summary>v1 only: another attempt began after chunks were sent. Only <c>done</c> is still sent.</summary>
    Muted,

    /// <summary>Nothing more is sent.</summary>
    Ended,
}

/// <summary>
/// One socket's place in one turn. The last seq sent determines what is sent next, so no chunk is repeated, skipped
/// or reordered, whether it comes from the channel or the log. Guarded by its feed's gate.
/// </summary>
internal sealed class TurnCursor(Turn turn, IFrameSink sink, bool isV2, string conversationIdAsSpelled)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _sentAny;

    public Turn Turn => turn;

    public IFrameSink Sink => sink;

    public CursorMode Mode { get; set; } = CursorMode.Live;

    /// <summary>The attempt whose chunks the socket has; 0: none yet.</summary>
    public int Attempt { get; set; }

    /// <summary>Last seq sent; 0: none yet.</summary>
    public int Seq { get; set; }

    /// <summary>
    /// Whether the socket knows the turn: it sent the message, resumed the turn, or got its <c>typing</c>. Otherwise <c>typing</c> precedes the first
    /// frame. Not every turn is announced. On a Redis Cluster the announcement comes from another node than the chunks and may arrive after them.
    /// </summary>
    public bool IsAnnounced { get; set; }

    /// <summary>
    /// Time at which the turn's message was taken up; set only in its sender's cursor, before dispatch. See <see cref="FrameTiming"/>.
    /// </summary>
    public long AskedAt { get; set; }

    /// <summary>Completes when the end was sent to the socket or no longer needs to be.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Whether every known chunk was sent.</summary>
    public bool IsUpToDate => Mode == CursorMode.Muted || (Attempt == turn.Attempt && Seq >= turn.LastSeq) || turn.LastSeq == 0;

    /// <summary>Announces a turn that another socket began, once.</summary>
    /// <param name="messageId">The message's own id; null: none, or unknown here.</param>
    public void Announce(string? messageId)
    {
        if (!IsAnnounced)
        {
            IsAnnounced = true;
            sink.Send(ServerFrames.TypingFor(turn.TurnId, messageId));
        }
    }

    /// <summary>Moves to a later attempt.</summary>
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

    /// <summary>Tells the client to drop what it has, because its attempt or seq cannot be continued.</summary>
    public void StartOver(int attempt)
    {
        Send(ServerFrames.Reset(turn.TurnId, attempt));
        Attempt = attempt;
        Seq = 0;
    }

    /// <summary>Sends the chunk with the next seq.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="heardAt">Time of its arrival on the channel; 0: read from the log.</param>
    /// <param name="moreFollows">See <see cref="IFrameSink.Send"/>.</param>
    public void SendNext(in StreamEvent chunk, long heardAt = 0, bool moreFollows = false)
    {
        Seq = chunk.Seq;
        SendChunk(in chunk, heardAt, moreFollows);
    }

    /// <summary>Sends a chunk without a seq, from a legacy orchestrator.</summary>
    public void SendLegacy(in StreamEvent chunk, long heardAt, bool moreFollows) => SendChunk(in chunk, heardAt, moreFollows);

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
            Send(
                row.Status == TurnOutcome.Failed
                    ? ServerFrames.Error(WireError.AgentTimeout)
                    : ServerFrames.Done(row.Content.Span, conversationIdAsSpelled)
            );
        }

        _ended.TrySetResult();
    }

    /// <summary>The socket is gone, or has resumed the turn again.</summary>
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
            return; // Empty chunks are not sent, but their seq counts.
        }

        var timing = new FrameTiming(heardAt, _sentAny ? 0 : AskedAt);
        _sentAny = true;
        if (!isV2)
        {
            sink.SendChunk(JsonText.Normalise(text), timing, moreFollows);
            return;
        }

        Send(
            chunk.IsLegacy ? ServerFrames.Chunk(JsonText.Normalise(text).Span, turn.TurnId, Math.Max(turn.Attempt, 1), seq: null) : chunk.Payload,
            timing,
            moreFollows
        );
    }

    /// <summary>Sends a frame of the turn, after its <c>typing</c>.</summary>
    private void Send(ReadOnlyMemory<byte> frame, FrameTiming timing = default, bool moreFollows = false)
    {
        Announce(messageId: null);
        sink.Send(frame, timing, moreFollows);
    }
}
