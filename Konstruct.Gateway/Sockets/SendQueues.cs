using System.Collections.Concurrent;
using Konstruct.Gateway.Configuration;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Sockets;

/// <summary>
/// Memory of all send queues. Each queue is bounded, but twenty thousand clients that stop reading could still fill the process. When the total
/// exceeds <see cref="ChatOptions.MaxQueuedBytesInAll"/>, the socket with the longest queue is closed as too slow. Short queues are kept.
/// </summary>
internal sealed class SendQueues(IOptions<ChatOptions> options, TimeProvider time)
{
    /// <summary>Pause after a search that found no queue to drop: the remaining bytes are being sent.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<FrameWriter, bool> _writers = new();
    private readonly Lock _looking = new();
    private long _bytes;
    private long _emptyAt; // Time of a search that found nothing; 0: the last one found a queue.

    /// <summary>Bytes queued or being sent, on all sockets.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    public void Add(FrameWriter writer) => _writers[writer] = true;

    public void Remove(FrameWriter writer) => _writers.TryRemove(writer, out _);

    /// <summary>Adds bytes; a negative number removes them.</summary>
    public void Count(int bytes) => Interlocked.Add(ref _bytes, bytes);

    /// <summary>Closes the longest queues until the total is within the limit. The caller must not hold a writer's lock.</summary>
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
