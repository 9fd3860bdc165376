using BenchmarkDotNet.Attributes;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Sockets;
using Konstruct.Gateway.Streaming;

namespace Konstruct.Benchmarks;

/// <summary>From a chunk's payload to the socket, in each version. A v1 frame is built when it is sent; a v2 frame is the payload.</summary>
public class FrameWriting
{
    private readonly byte[] _payload = StreamEvent.Chunk("answer ", Guid.CreateVersion7(), attempt: 1, seq: 117);
    private readonly StreamEvent _chunk;
    private readonly TurnCursor _v1;
    private readonly TurnCursor _v2;

    public FrameWriting()
    {
        _chunk = StreamEvent.Parse(_payload);
        (_v1, _v2) = (Cursor(isV2: false), Cursor(isV2: true));
    }

    [Benchmark(Baseline = true)]
    public void V2() => _v2.SendNext(_chunk);

    [Benchmark]
    public void V1() => _v1.SendNext(_chunk);

    internal static TurnCursor Cursor(bool isV2) =>
        new(new Turn(Guid.CreateVersion7()) { Attempt = 1 }, new FrameWriter(new NullWebSocket(), new ChatOptions()), isV2, "c") { Attempt = 1 };
}
