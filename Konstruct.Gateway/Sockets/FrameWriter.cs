using System.Buffers;
using System.Net.WebSockets;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Telemetry;
using Microsoft.Extensions.ObjectPool;

namespace Konstruct.Gateway.Sockets;

/// <summary>
/// The only writer of a socket: a bounded queue, and a pump that runs only while there is something to send, so an idle socket costs nothing.
/// Never blocks its caller. A client that reads too slowly fills the queue and is closed with <see cref="CloseCodes.TooSlow"/>. Once the queue
/// is a quarter full, v1 chunks, which have no seq, are merged with the chunk that waits. Frames that are queued together are sent together.
/// </summary>
/// <param name="socket">The socket.</param>
/// <param name="options">Limits of the queue.</param>
/// <param name="metrics">Receives the timing of measured frames.</param>
/// <param name="stream">The stream under the socket, if it can hold frames back and send them together.</param>
/// <param name="queues">Total of all sockets' queues.</param>
internal sealed partial class FrameWriter(
    WebSocket socket, ChatOptions options, GatewayMetrics? metrics = null, JoiningStream? stream = null, SendQueues? queues = null) : IAsyncDisposable
{
    /// <summary>Maximum number of bytes sent at once. A larger frame is sent alone.</summary>
    private const int MostAtOnce = 16 * 1024;

    /// <summary>A peer that has not taken the close frame by then is aborted.</summary>
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(5);

    /// <summary>Pooled queues: otherwise a socket would keep the capacity of its largest burst for its whole life.</summary>
    private static readonly ObjectPool<Queue<QueuedFrame>> Queues = new DefaultObjectPool<Queue<QueuedFrame>>(new QueuePolicy());

    /// <summary>A merged chunk of this size takes no more text, so that the client sees the answer grow.</summary>
    private const int LongestMerged = 16 * 1024;

    private readonly Lock _gate = new();
    private Queue<QueuedFrame>? _frames; // Null while nothing waits.
    private CancellationTokenSource? _closeLimit; // Set while closing.
    private ArrayBufferWriter<byte>? _merged; // Text of the last queued chunk, which can still grow.
    private FrameTiming _mergedTiming; // Timing of its first text, which has waited longest.
    private TaskCompletionSource? _room;
    private (int Code, string Reason)? _close;
    private Task _pump = Task.CompletedTask;
    private bool _pumping;
    private bool _finished;
    private int _queuedBytes;
    private int _sending; // Size of the frame being sent.

    /// <summary>Queued bytes, without the frame being sent.</summary>
    public int QueuedBytes => Volatile.Read(ref _queuedBytes);

    /// <summary>Close code of this side; null: not closing.</summary>
    public int? CloseCode => _close?.Code;

    /// <summary>Queues a frame. No effect once the socket is closing.</summary>
    /// <param name="frame">The frame's bytes.</param>
    /// <param name="timing">What to measure after sending; default: nothing.</param>
    /// <param name="moreFollows">Another frame or <see cref="SendQueued"/> follows at once. The
    /// frame may wait for it while the queue has room.</param>
    public void Send(ReadOnlyMemory<byte> frame, FrameTiming timing = default, bool moreFollows = false)
    {
        lock (_gate)
        {
            if (!_finished && _close is null)
            {
                Enqueue(new(frame, timing, IsText: false), moreFollows);
            }
        }

        queues?.Trim();
    }

    /// <summary>Sends frames that were queued with <c>moreFollows</c>.</summary>
    public void SendQueued()
    {
        lock (_gate)
        {
            if (Waiting > 0)
            {
                StartPump();
            }
        }
    }

    /// <summary>
    /// Queues a v1 chunk. It is a separate frame while the client keeps up, and is merged otherwise. The frame is built when it is sent.
    /// </summary>
    public void SendChunk(ReadOnlyMemory<byte> escapedText, FrameTiming timing = default, bool moreFollows = false)
    {
        AddChunk(escapedText, timing, moreFollows);
        queues?.Trim();
    }

    /// <summary>Drops the queue and closes, because this queue or the total of all queues is too long.</summary>
    public void CloseAsTooSlow()
    {
        lock (_gate)
        {
            if (!_finished && _close is null)
            {
                Drop();
                BeginClose(CloseCodes.TooSlow, "Reading too slowly");
            }
        }
    }

    private void AddChunk(ReadOnlyMemory<byte> escapedText, FrameTiming timing, bool moreFollows)
    {
        lock (_gate)
        {
            if (_finished || _close is not null)
            {
                return;
            }

            if (_merged is null && HasRoom())
            {
                Enqueue(new(escapedText, timing, IsText: true), moreFollows);
                return;
            }

            var bytes = _merged is null ? ServerFrames.ChunkLength(escapedText.Length) : escapedText.Length;
            if (!HasPlaceFor(bytes))
            {
                return;
            }

            _mergedTiming = _merged is null ? timing : _mergedTiming.With(timing);
            _merged ??= new(1024);
            _merged.Write(escapedText.Span);
            Count(bytes);
            if (_merged.WrittenCount >= LongestMerged)
            {
                Seal();
            }
        }
    }

    /// <summary>Sends the queue, then the close frame. Later frames are dropped; a second close has no effect.</summary>
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

    /// <summary>Completes when the queue is at most a quarter full, for senders with more frames than fit.</summary>
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

    /// <summary>Drops the queue and waits until the pump has stopped.</summary>
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
        queues?.Remove(this);
        _closeLimit?.Dispose();
    }

    private void Count(int bytes)
    {
        _queuedBytes += bytes;
        queues?.Count(bytes);
    }

    private int Waiting => _frames?.Count ?? 0;

    private void Enqueue(QueuedFrame frame, bool moreFollows)
    {
        Seal();
        if (HasPlaceFor(frame.Length))
        {
            Add(frame);
            Count(frame.Length);
            if (!moreFollows || !HasRoom())
            {
                StartPump();
            }
        }
    }

    private void Add(QueuedFrame frame)
    {
        _frames ??= Queues.Get();
        _frames.Enqueue(frame);
    }

    private bool HasRoom() => Waiting <= options.MaxQueuedFrames / 4 && _queuedBytes <= options.MaxQueuedBytes / 4;

    /// <summary>
    /// False: the queue is full, and the socket is closing. A frame above the limit is sent when
    /// the queue is empty; otherwise its client could never get it.
    /// </summary>
    private bool HasPlaceFor(int bytes)
    {
        if (Waiting < options.MaxQueuedFrames && (_queuedBytes == 0 || _queuedBytes + bytes <= options.MaxQueuedBytes))
        {
            return true;
        }

        CloseAsTooSlow();
        return false;
    }

    /// <summary>Ends the merging of the current chunk.</summary>
    private void Seal()
    {
        if (_merged is not null)
        {
            Add(new(_merged.WrittenMemory, _mergedTiming, IsText: true));
            _merged = null;
        }
    }

    private void Drop()
    {
        GiveBack();
        _merged = null;
        Count(-_queuedBytes);
    }

    private void GiveBack()
    {
        if (_frames is not null)
        {
            Queues.Return(_frames);
            _frames = null;
        }
    }

    private void BeginClose(int code, string reason)
    {
        _close = (code, reason);
        _room?.TrySetResult();
        _closeLimit = new(CloseLimit);
        _closeLimit.Token.UnsafeRegister(static socket => ((WebSocket)socket!).Abort(), socket);
        StartPump();
    }

    /// <summary>A queued frame.</summary>
    /// <param name="Bytes">The frame, or its text only.</param>
    /// <param name="Timing">What to measure after sending.</param>
    /// <param name="IsText">True: <paramref name="Bytes"/> is the escaped text of a v1 chunk.</param>
    private readonly record struct QueuedFrame(ReadOnlyMemory<byte> Bytes, FrameTiming Timing, bool IsText)
    {
        /// <summary>Size of the frame in bytes.</summary>
        public int Length => IsText ? ServerFrames.ChunkLength(Bytes.Length) : Bytes.Length;
    }

    private sealed class QueuePolicy : PooledObjectPolicy<Queue<QueuedFrame>>
    {
        /// <summary>Larger queues, filled by a slow client, are not pooled.</summary>
        private const int LargestKept = 1024;

        public override Queue<QueuedFrame> Create() => new();

        public override bool Return(Queue<QueuedFrame> queue)
        {
            queue.Clear();
            return queue.Capacity <= LargestKept;
        }
    }
}
