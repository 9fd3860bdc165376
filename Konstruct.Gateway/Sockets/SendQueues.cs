using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Sockets;

/// <summary>
/// The memory of all send queues together. Each is bounded by itself, but twenty thousand clients that stop reading could still fill the process. When the sum
/// exceeds <see cref="ChatOptions.MaxQueuedBytesInAll"/>, the socket with the longest queue is closed as too slow: whoever takes little keeps its place.
/// </summary>
internal sealed class SendQueues(IOptions<ChatOptions> options, TimeProvider time)
{
    /// <summary>After a look that found no queue to drop: what is left is being sent.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<FrameWriter, bool> _writers = new();
    private readonly Lock _looking = new();
    private long _bytes;
    private long _emptyAt; // When a look found nothing; 0: the last one found something.

    /// <summary>Bytes that wait or are being sent, on all sockets.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    public void Add(FrameWriter writer) => _writers[writer] = true;

    public void Remove(FrameWriter writer) => _writers.TryRemove(writer, out _);

    /// <summary>Counts bytes in, or, when negative, out.</summary>
    public void Count(int bytes) => Interlocked.Add(ref _bytes, bytes);

    /// <summary>Makes room, if there is too much. The caller must not hold a writer's lock.</summary>
    public void Trim()
    {
        if (Bytes <= options.Value.MaxQueuedBytesInAll || !_looking.TryEnter())
        {
            return;
        }

        try
        {
            while (Bytes > options.Value.MaxQueuedBytesInAll && (_emptyAt == 0 || time.GetElapsedTime(_emptyAt) >= Pause))
            {
                var largest = _writers.Select(writer => writer.Key).MaxBy(writer => writer.QueuedBytes);
                var isFreed = largest is { QueuedBytes: > 0 };
                largest?.CloseAsTooSlow();
                _emptyAt = isFreed ? 0 : time.GetTimestamp();
            }
        }
        finally
        {
            _looking.Exit();
        }
    }
}
