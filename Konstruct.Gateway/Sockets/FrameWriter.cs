using System.Buffers;
using System.Net.WebSockets;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Sockets;

/// <summary>
/// The one writer of a socket: a bounded queue, and a pump that runs only while there is something to send, so that an idle socket costs nothing.
/// Never blocks its caller: a client that reads too slowly fills the queue and is closed with <see cref="CloseCodes.TooSlow"/>. Before that, when
/// the queue is a quarter full, chunks of v1, which have no seq, become fewer: while one waits, what follows joins it. Frames that are queued together are
/// sent together.
/// </summary>
/// <param name="socket">The socket.</param>
/// <param name="options">The limits of the queue.</param>
/// <param name="metrics">What to tell of frames that are measured.</param>
/// <param name="stream">The stream under the socket, where it can keep frames back until the last of them.</param>
internal sealed class FrameWriter(WebSocket socket, ChatOptions options, GatewayMetrics? metrics = null, GatheringStream? stream = null) : IAsyncDisposable
{
    /// <summary>As many bytes are sent at once, at most; a larger frame goes alone.</summary>
    private const int MostAtOnce = 16 * 1024;

    /// <summary>A peer that does not take the close frame by then is cut off.</summary>
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(5);

    /// <summary>A chunk that has grown to this many bytes is not added to: a client should see its answer grow.</summary>
    private const int LongestMerged = 16 * 1024;

    private readonly Lock _gate = new();
    private readonly Queue<(ReadOnlyMemory<byte> Bytes, FrameTiming Timing)> _frames = new();
    private CancellationTokenSource? _closeLimit; // While closing.
    private ArrayBufferWriter<byte>? _merged; // The chunk at the end of the queue, not yet closed: more text may join it.
    private FrameTiming _mergedTiming; // Of the text that it began with: the one that has waited longest.
    private TaskCompletionSource? _room;
    private (int Code, string Reason)? _close;
    private Task _pump = Task.CompletedTask;
    private bool _pumping;
    private bool _finished;
    private int _queuedBytes;

    /// <summary>The code this side closes with; null while it has not.</summary>
    public int? CloseCode => _close?.Code;

    /// <summary>Queues a frame. Nothing happens once the socket is closing.</summary>
    /// <param name="frame">Its bytes.</param>
    /// <param name="timing">What to measure when it has been sent; default: nothing.</param>
    /// <param name="moreFollows">Another frame, or <see cref="SendQueued"/>, comes at once: it may wait for that as long as the queue has room.</param>
    public void Send(ReadOnlyMemory<byte> frame, FrameTiming timing = default, bool moreFollows = false)
    {
        lock (_gate)
        {
            if (_finished || _close is not null)
            {
                return;
            }

            Seal();
            if (HasPlaceFor(frame.Length))
            {
                _frames.Enqueue((frame, timing));
                _queuedBytes += frame.Length;
                if (!moreFollows || !HasRoom())
                {
                    StartPump();
                }
            }
        }
    }

    /// <summary>Sends what was queued as if more were to follow.</summary>
    public void SendQueued()
    {
        lock (_gate)
        {
            if (_frames.Count > 0)
            {
                StartPump();
            }
        }
    }

    /// <summary>Queues a chunk of v1, as a frame of its own as long as its client keeps up. <paramref name="escapedText"/> is copied; otherwise as <see cref="Send"/>.</summary>
    public void SendChunk(ReadOnlySpan<byte> escapedText, FrameTiming timing = default, bool moreFollows = false)
    {
        lock (_gate)
        {
            if ((_merged is null && HasRoom()) || _finished || _close is not null)
            {
                Send(ServerFrames.Chunk(escapedText), timing, moreFollows);
                return;
            }

            if (!HasPlaceFor(escapedText.Length))
            {
                return;
            }

            var before = _merged?.WrittenCount ?? 0;
            _mergedTiming = _merged is null ? timing : _mergedTiming.With(timing);
            _merged ??= ServerFrames.BeginChunk();
            _merged.Write(escapedText);
            _queuedBytes += _merged.WrittenCount - before;
            if (_merged.WrittenCount >= LongestMerged)
            {
                Seal();
            }
        }
    }

    /// <summary>Sends what is queued, then the close frame. Later frames are dropped; a second close has no effect.</summary>
    public void Close(int code, string reason)
    {
        lock (_gate)
        {
            if (!_finished && _close is null)
            {
                BeginClose(code, reason);
            }
        }
    }

    /// <summary>Completes when the queue is at most a quarter full: for whoever has more to send than fits.</summary>
    public Task RoomAsync()
    {
        lock (_gate)
        {
            if (_finished || _close is not null || HasRoom())
            {
                return Task.CompletedTask;
            }

            _room ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return _room.Task;
        }
    }

    /// <summary>Drops what is queued and waits until the pump has come to rest.</summary>
    public async ValueTask DisposeAsync()
    {
        Task pump;
        lock (_gate)
        {
            _finished = true;
            Drop();
            _room?.TrySetResult();
            pump = _pump;
        }

        await pump;
        _closeLimit?.Dispose();
    }

    private bool HasRoom() => _frames.Count <= options.MaxQueuedFrames / 4 && _queuedBytes <= options.MaxQueuedBytes / 4;

    /// <summary>False: the queue is full, and the socket is closing now. A frame that is larger than the limit goes when it is alone: otherwise its client could never have it.</summary>
    private bool HasPlaceFor(int bytes)
    {
        if (_frames.Count < options.MaxQueuedFrames && (_queuedBytes == 0 || _queuedBytes + bytes <= options.MaxQueuedBytes))
        {
            return true;
        }

        Drop();
        BeginClose(CloseCodes.TooSlow, "Reading too slowly");
        return false;
    }

    /// <summary>Nothing joins the merged chunk any more.</summary>
    private void Seal()
    {
        if (_merged is not null)
        {
            var open = _merged.WrittenCount;
            _frames.Enqueue((ServerFrames.EndChunk(_merged), _mergedTiming));
            _queuedBytes += _merged.WrittenCount - open;
            _merged = null;
        }
    }

    private void Drop()
    {
        _frames.Clear();
        _merged = null;
        _queuedBytes = 0;
    }

    private void BeginClose(int code, string reason)
    {
        _close = (code, reason);
        _room?.TrySetResult();
        _closeLimit = new(CloseLimit);
        _closeLimit.Token.UnsafeRegister(static socket => ((WebSocket)socket!).Abort(), socket);
        StartPump();
    }

    private void StartPump()
    {
        if (!_pumping)
        {
            _pumping = true;
            _pump = PumpAsync();
        }
    }

    /// <summary>Runs on the caller's thread until a send has to wait, which it hardly ever does.</summary>
    private async Task PumpAsync()
    {
        try
        {
            (int Code, string Reason)? close;
            var gathered = 0;
            while (TryTake(out var frame, out var next, out close))
            {
                var isKept = stream is not null && next > 0 && gathered + frame.Bytes.Length + next <= MostAtOnce;
                gathered = isKept ? gathered + frame.Bytes.Length : 0;
                stream?.MoreFollows = isKept;

                // Without a token: a send that could be cancelled takes a slower way through the WebSocket, with a registration and a state machine for
                // each frame. What must end a send that is stuck aborts the socket.
                await socket.SendAsync(frame.Bytes, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
                if (frame.Timing.IsMeasured)
                {
                    metrics?.FrameSent(frame.Timing);
                }
            }

            stream?.MoreFollows = false;
            if (close is var (code, reason) && socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                await socket.CloseOutputAsync((WebSocketCloseStatus)code, reason, CancellationToken.None);
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or ObjectDisposedException or IOException or InvalidOperationException)
        {
            // The client is gone, or never took the close frame: there is nobody to tell.
            Abandon();
        }
        catch
        {
            Abandon(); // A bug: the socket must not stay open without a writer. Whoever disposes of this hears of it.
            throw;
        }
    }

    /// <summary>False: nothing is left but the close frame, if there is to be one. Decided in one step, so that only one pump sends it.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="next">How many bytes the frame behind it has; 0: there is none yet.</param>
    /// <param name="close">How to close.</param>
    private bool TryTake(out (ReadOnlyMemory<byte> Bytes, FrameTiming Timing) frame, out int next, out (int Code, string Reason)? close)
    {
        lock (_gate)
        {
            close = _close;
            next = 0;
            if (_frames.Count == 0)
            {
                Seal();
            }

            if (_frames.TryDequeue(out frame))
            {
                _queuedBytes -= frame.Bytes.Length;
                next = _frames.TryPeek(out var behind) ? behind.Bytes.Length : 0;
                if (_room is not null && HasRoom())
                {
                    _room.TrySetResult();
                    _room = null;
                }

                return true;
            }

            // While closing, the pump stays "running": nothing may start another.
            _pumping = close is not null;
            return false;
        }
    }

    private void Abandon()
    {
        lock (_gate)
        {
            _finished = true;
            Drop();
            _room?.TrySetResult();
        }

        socket.Abort();
    }
}
