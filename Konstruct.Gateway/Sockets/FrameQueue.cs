using System.Buffers;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Protocol;
using Konstruct.Gateway.Telemetry;
using Microsoft.Extensions.ObjectPool;

namespace Konstruct.Gateway.Sockets;

/// <summary>A queued frame.</summary>
/// <param name="Bytes">The frame, or its text only.</param>
/// <param name="Timing">What to measure after sending.</param>
/// <param name="IsText">True: <paramref name="Bytes"/> is the escaped text of a v1 chunk.</param>
internal readonly record struct QueuedFrame(ReadOnlyMemory<byte> Bytes, FrameTiming Timing, bool IsText)
{
    /// <summary>Size of the frame in bytes.</summary>
    public int Length => IsText ? ServerFrames.ChunkLength(Bytes.Length) : Bytes.Length;
}

/// <summary>
/// The frames that wait for one socket, within the limits of <see cref="ChatOptions"/>. Once the queue is a quarter full, v1 chunks, which
/// have no seq, are merged with the chunk that waits. Guarded by its writer's gate.
/// </summary>
/// <param name="options">Limits of the queue.</param>
/// <param name="queues">Total of all sockets' queues.</param>
internal sealed class FrameQueue(ChatOptions options, SendQueues? queues)
{
    /// <summary>A merged chunk of this size takes no more text, so that the client sees the answer grow.</summary>
    private const int LongestMerged = 16 * 1024;

    /// <summary>Pooled queues: otherwise a socket would keep the capacity of its largest burst for its whole life.</summary>
    private static readonly ObjectPool<Queue<QueuedFrame>> Pool = new DefaultObjectPool<Queue<QueuedFrame>>(new Policy());

    private Queue<QueuedFrame>? _frames; // Null while nothing waits.
    private ArrayBufferWriter<byte>? _merged; // Text of the last queued chunk, which can still grow.
    private FrameTiming _mergedTiming; // Timing of its first text, which has waited longest.
    private int _bytes;

    /// <summary>Queued bytes, without the frame being sent. May be read outside the gate.</summary>
    public int Bytes => Volatile.Read(ref _bytes);

    /// <summary>Number of complete frames.</summary>
    public int Count => _frames?.Count ?? 0;

    /// <summary>Whether the queue is at most a quarter full.</summary>
    public bool HasRoom => Count <= options.MaxQueuedFrames / 4 && _bytes <= options.MaxQueuedBytes / 4;

    /// <summary>Whether a v1 chunk is to be merged with the chunk that waits.</summary>
    public bool IsMerging => _merged is not null || !HasRoom;

    /// <summary>Adds a frame. False: the queue is full.</summary>
    public bool TryAdd(QueuedFrame frame)
    {
        Seal();
        if (!HasPlaceFor(frame.Length))
        {
            return false;
        }

        Add(frame);
        Account(frame.Length);
        return true;
    }

    /// <summary>Merges the text of a v1 chunk. False: the queue is full.</summary>
    public bool TryMerge(ReadOnlySpan<byte> escapedText, FrameTiming timing)
    {
        var bytes = _merged is null ? ServerFrames.ChunkLength(escapedText.Length) : escapedText.Length;
        if (!HasPlaceFor(bytes))
        {
            return false;
        }

        _mergedTiming = _merged is null ? timing : _mergedTiming.With(timing);
        _merged ??= new(1024);
        _merged.Write(escapedText);
        Account(bytes);
        if (_merged.WrittenCount >= LongestMerged)
        {
            Seal();
        }

        return true;
    }

    /// <summary>Takes the first frame. The total of all queues includes it until it is sent.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="next">Size in bytes of the frame behind it; 0: none yet.</param>
    /// <returns>False: the queue is empty.</returns>
    public bool TryTake(out QueuedFrame frame, out int next)
    {
        if (Count == 0)
        {
            Seal();
        }

        if (Count == 0)
        {
            (frame, next) = (default, 0);
            GiveBack();
            return false;
        }

        frame = _frames!.Dequeue();
        _bytes -= frame.Length;
        next = _frames.TryPeek(out var behind) ? behind.Length : 0;
        return true;
    }

    /// <summary>Removes all frames.</summary>
    public void Clear()
    {
        GiveBack();
        _merged = null;
        Account(-_bytes);
    }

    private void Add(QueuedFrame frame)
    {
        _frames ??= Pool.Get();
        _frames.Enqueue(frame);
    }

    private void Account(int bytes)
    {
        _bytes += bytes;
        queues?.Count(bytes);
    }

    /// <summary>A frame above the limit is sent when the queue is empty; otherwise its client could never get it.</summary>
    private bool HasPlaceFor(int bytes) => Count < options.MaxQueuedFrames && (_bytes == 0 || (long)_bytes + bytes <= options.MaxQueuedBytes);

    /// <summary>Ends the merging of the current chunk.</summary>
    private void Seal()
    {
        if (_merged is not null)
        {
            Add(new(_merged.WrittenMemory, _mergedTiming, IsText: true));
            _merged = null;
        }
    }

    private void GiveBack()
    {
        if (_frames is not null)
        {
            Pool.Return(_frames);
            _frames = null;
        }
    }

    private sealed class Policy : PooledObjectPolicy<Queue<QueuedFrame>>
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
