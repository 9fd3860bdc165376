using BenchmarkDotNet.Attributes;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Streaming;

namespace Konstruct.Benchmarks;

/// <summary>Replays one page of a log to a resuming client: 256 entries parsed and sent, without Redis.</summary>
public class LogReplay
{
    private const int Page = 256;

    private readonly byte[][] _entries =
    [
        .. Enumerable.Range(1, Page).Select(seq => StreamEvent.Chunk("answer ", Guid.CreateVersion7(), attempt: 1, seq)),
    ];
    private readonly TurnCursor _cursor = FrameWriting.Cursor(isV2: true);

    [Benchmark(OperationsPerInvoke = Page)]
    public int Entry()
    {
        foreach (var entry in _entries)
        {
            _cursor.SendNext(StreamEvent.Parse(entry));
        }

        return _cursor.Seq;
    }
}
