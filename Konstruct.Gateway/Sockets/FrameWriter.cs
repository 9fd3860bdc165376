using System.Buffers;
using System.Net.WebSockets;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Telemetry;
using Microsoft.Extensions.ObjectPool;

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
/// <param name="queues">Where its bytes are counted with those of all sockets.</param>
internal sealed partial class FrameWriter(
    WebSocket socket, ChatOptions options, GatewayMetrics? metrics = null, JoiningStream? stream = null, SendQueues? queues = null) : IAsyncDisposable
{
    /// <summary>As many bytes are sent at once, at most; a larger frame goes alone.</summary>
    private const int MostAtOnce = 16 * 1024;

    /// <summary>A peer that does not take the close frame by then is cut off.</summary>
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(5);

    /// <summary>Sockets share what they queue in: one that has once been sent much at once would keep the room for it, as long as it is open.</summary>
    private static readonly ObjectPool<Queue<QueuedFrame>> Queues = new DefaultObjectPool<Queue<QueuedFrame>>(new QueuePolicy());

    /// <summary>A chunk that has grown to this many bytes is not added to: a client should see its answer grow.</summary>
    private const int LongestMerged = 16 * 1024;

    private readonly Lock _gate = new();
    private Queue<QueuedFrame>? _frames; // None while nothing waits.
    private CancellationTokenSource? _closeLimit; // While closing.
    private ArrayBufferWriter<byte>? _merged; // The text of the chunk at the end of the queue, which more may join.
    private FrameTiming _mergedTiming; // Of the text that it began with: the one that has waited longest.
    private TaskCompletionSource? _room;
    private (int Code, string Reason)? _close;
    private Task _pump = Task.CompletedTask;
    private bool _pumping;
    private bool _finished;
    private int _queuedBytes;
    private int _sending; // Bytes of the frame that is being sent.

    /// <summary>Bytes that wait, without the frame that is being sent.</summary>
    public int QueuedBytes => Volatile.Read(ref _queuedBytes);

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
            if (!_finished && _close is null)
            {
                Enqueue(new(frame, timing, IsText: false), moreFollows);
            }
        }

        queues?.Trim();
    }

    /// <summary>Sends what was queued as if more were to follow.</summary>
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

    /// <summary>Queues a chunk of v1, as a frame of its own as long as its client keeps up; otherwise as <see cref="Send"/>. The frame is made when it is sent.</summary>
    public void SendChunk(ReadOnlyMemory<byte> escapedText, FrameTiming timing = default, bool moreFollows = false)
    {
        AddChunk(escapedText, timing, moreFollows);
        queues?.Trim();
    }

    /// <summary>Drops what is queued, and closes: the queue is too long, or all queues together are.</summary>
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

    /// <summary>False: the queue is full, and the socket is closing now. A frame that is larger than the limit goes when it is alone: otherwise its client could never have it.</summary>
    private bool HasPlaceFor(int bytes)
    {
        if (Waiting < options.MaxQueuedFrames && (_queuedBytes == 0 || _queuedBytes + bytes <= options.MaxQueuedBytes))
        {
            return true;
        }

        CloseAsTooSlow();
        return false;
    }

    /// <summary>Nothing joins the merged chunk any more.</summary>
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

    /// <summary>What waits to be sent.</summary>
    /// <param name="Bytes">The frame, or its text alone.</param>
    /// <param name="Timing">What to measure when it has been sent.</param>
    /// <param name="IsText">It is the text of a chunk of v1, escaped.</param>
    private readonly record struct QueuedFrame(ReadOnlyMemory<byte> Bytes, FrameTiming Timing, bool IsText)
    {
        /// <summary>How many bytes the frame has.</summary>
        public int Length => IsText ? ServerFrames.ChunkLength(Bytes.Length) : Bytes.Length;
    }

    private sealed class QueuePolicy : PooledObjectPolicy<Queue<QueuedFrame>>
    {
        /// <summary>One that a slow client has filled is left to the collector.</summary>
        private const int LargestKept = 1024;

        public override Queue<QueuedFrame> Create() => new();

        public override bool Return(Queue<QueuedFrame> queue)
        {
            queue.Clear();
            return queue.Capacity <= LargestKept;
        }
    }
}
