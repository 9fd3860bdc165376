using System.Buffers;
using System.Net.WebSockets;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Protocol;
using Konstruct.Gateway.Streaming;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Sockets;

/// <summary>
/// The only writer of a socket: a bounded queue, and a pump that runs only while there is something to send, so an idle socket costs nothing.
/// Never blocks its caller. A client that reads too slowly fills the queue and is closed with <see cref="CloseCodes.TooSlow"/>. Frames that
/// are queued together are sent together.
/// </summary>
/// <param name="socket">The socket.</param>
/// <param name="options">Limits of the queue.</param>
/// <param name="metrics">Receives the timing of measured frames.</param>
/// <param name="stream">The stream under the socket, if it can hold frames back and send them together.</param>
/// <param name="queues">Total of all sockets' queues.</param>
internal sealed class FrameWriter(
    WebSocket socket,
    ChatOptions options,
    GatewayMetrics? metrics = null,
    JoiningStream? stream = null,
    SendQueues? queues = null
) : IFrameSink, IAsyncDisposable
{
    /// <summary>Maximum number of bytes sent at once. A larger frame is sent alone.</summary>
    private const int MostAtOnce = 16 * 1024;

    /// <summary>A peer that has not taken the close frame by then is aborted.</summary>
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly FrameQueue _queue = new(options, queues);
    private CancellationTokenSource? _closeLimit; // Set while closing.
    private TaskCompletionSource? _room;
    private (int Code, string Reason)? _close;
    private Task _pump = Task.CompletedTask;
    private bool _pumping;
    private bool _finished;
    private int _sending; // Size of the frame being sent.

    /// <summary>Queued bytes, without the frame being sent.</summary>
    public int QueuedBytes => _queue.Bytes;

    /// <summary>Close code of this side; null: not closing.</summary>
    public int? CloseCode => _close?.Code;

    private bool IsClosed => _finished || _close is not null;

    /// <inheritdoc/>
    public void Send(ReadOnlyMemory<byte> frame, FrameTiming timing = default, bool moreFollows = false)
    {
        lock (_gate)
        {
            Enqueue(new(frame, timing, IsText: false), moreFollows);
        }

        queues?.Trim();
    }

    /// <inheritdoc/>
    /// <remarks>It is a separate frame while the client keeps up, and is merged otherwise. The frame is built when it is sent.</remarks>
    public void SendChunk(ReadOnlyMemory<byte> escapedText, FrameTiming timing = default, bool moreFollows = false)
    {
        lock (_gate)
        {
            if (!_queue.IsMerging)
            {
                Enqueue(new(escapedText, timing, IsText: true), moreFollows);
            }
            else if (!IsClosed && !_queue.TryMerge(escapedText.Span, timing))
            {
                BeginCloseAsTooSlow();
            }
        }

        queues?.Trim();
    }

    /// <inheritdoc/>
    public void SendQueued()
    {
        lock (_gate)
        {
            if (_queue.Count > 0)
            {
                StartPump();
            }
        }
    }

    /// <summary>Drops the queue and closes, because this queue or the total of all queues is too long.</summary>
    public void CloseAsTooSlow()
    {
        lock (_gate)
        {
            if (!IsClosed)
            {
                BeginCloseAsTooSlow();
            }
        }
    }

    /// <summary>Sends the queue, then the close frame. Later frames are dropped; a second close has no effect.</summary>
    public void Close(int code, string reason)
    {
        lock (_gate)
        {
            if (!IsClosed)
            {
                BeginClose(code, reason);
            }
        }
    }

    /// <inheritdoc/>
    public Task RoomAsync()
    {
        lock (_gate)
        {
            if (IsClosed || _queue.HasRoom)
            {
                return Task.CompletedTask;
            }

            _room ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return _room.Task;
        }
    }

    /// <summary>Drops the queue and waits until the pump has stopped.</summary>
    public async ValueTask DisposeAsync()
    {
        Task pump;
        lock (_gate)
        {
            _finished = true;
            _queue.Clear();
            _room?.TrySetResult();
            pump = _pump;
        }

        await pump;
        queues?.Remove(this);
        _closeLimit?.Dispose();
    }

    private static ReadOnlyMemory<byte> Make(QueuedFrame chunk, ref byte[] made)
    {
        if (made.Length < chunk.Length)
        {
            Return(made);
            made = ArrayPool<byte>.Shared.Rent(chunk.Length);
        }

        ServerFrames.WriteChunk(made, chunk.Bytes.Span);
        return made.AsMemory(0, chunk.Length);
    }

    private static void Return(byte[] made)
    {
        if (made.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(made);
        }
    }

    private void Enqueue(QueuedFrame frame, bool moreFollows)
    {
        if (IsClosed)
        {
            return;
        }

        if (!_queue.TryAdd(frame))
        {
            BeginCloseAsTooSlow();
        }
        else if (!moreFollows || !_queue.HasRoom)
        {
            StartPump();
        }
    }

    private void BeginCloseAsTooSlow()
    {
        _queue.Clear();
        BeginClose(CloseCodes.TooSlow, "Reading too slowly");
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

    /// <summary>Sends queued frames in order. Runs on the caller's thread until a send blocks, which is rare.</summary>
    private async Task PumpAsync()
    {
        byte[] made = []; // Buffer of the last v1 chunk, reused for the next.
        try
        {
            (int Code, string Reason)? close;
            var gathered = 0;
            while (TryTake(out var frame, out var next, out close))
            {
                var isKept = stream is not null && next > 0 && gathered + frame.Length + next <= MostAtOnce;
                gathered = isKept ? gathered + frame.Length : 0;
                stream?.MoreFollows = isKept;

                // No token: a cancellable send takes a slower path through the WebSocket, with a registration and a
                // state machine per frame. A blocked send is ended by aborting the socket.
                await socket.SendAsync(
                    frame.IsText ? Make(frame, ref made) : frame.Bytes,
                    WebSocketMessageType.Text,
                    endOfMessage: true,
                    CancellationToken.None
                );
                Sent();
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
        catch (Exception exception)
            when (exception is WebSocketException or OperationCanceledException or ObjectDisposedException or IOException or InvalidOperationException
            )
        {
            // The client is gone or did not take the close frame.
            Abandon();
        }
        catch
        {
            Abandon(); // A bug: the socket must not stay open without a writer. DisposeAsync rethrows it.
            throw;
        }
        finally
        {
            Sent();
            Return(made);
        }
    }

    /// <summary>
    /// Takes the next frame. False: only the close frame is left, if any. One step under the gate, so that only one pump sends the close frame.
    /// </summary>
    /// <param name="frame">The frame.</param>
    /// <param name="next">Size in bytes of the frame behind it; 0: none yet.</param>
    /// <param name="close">Close code and reason; null: do not close.</param>
    private bool TryTake(out QueuedFrame frame, out int next, out (int Code, string Reason)? close)
    {
        lock (_gate)
        {
            close = _close;
            if (_queue.TryTake(out frame, out next))
            {
                _sending = frame.Length;
                if (_room is not null && _queue.HasRoom)
                {
                    _room.TrySetResult();
                    _room = null;
                }

                return true;
            }

            // While closing, the pump stays "running", so that no other can start.
            _pumping = close is not null;
            return false;
        }
    }

    private void Sent()
    {
        queues?.Count(-_sending);
        _sending = 0;
    }

    private void Abandon()
    {
        lock (_gate)
        {
            _finished = true;
            _queue.Clear();
            _room?.TrySetResult();
        }

        socket.Abort();
    }
}
