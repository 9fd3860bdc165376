using BenchmarkDotNet.Attributes;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Protocol;

namespace Konstruct.Benchmarks;

/// <summary>Parses a client's frames and payloads of the response channel.</summary>
public class FrameParsing
{
    private readonly byte[] _message =
        """{"type":"message","text":"How do I stream tokens to a browser?","agentId":"0b3c9f0e-9d3f-4b53-8f0d-5d2f3c1d7a11"}"""u8.ToArray();
    private readonly byte[] _chunk = StreamEvent.Chunk("answer ", Guid.CreateVersion7(), attempt: 1, seq: 117);
    private readonly byte[] _escaped = StreamEvent.Chunk("a \"quoted\" line\n", Guid.CreateVersion7(), attempt: 1, seq: 117);
    private readonly byte[] _legacy = """{"type": "chunk", "text": "answer "}"""u8.ToArray();

    [Benchmark]
    public string? Message() => ClientFrame.Parse(_message).Text;

    [Benchmark(Baseline = true)]
    public StreamEvent Chunk() => StreamEvent.Parse(_chunk);

    [Benchmark]
    public StreamEvent EscapedChunk() => StreamEvent.Parse(_escaped);

    [Benchmark]
    public StreamEvent LegacyChunk() => StreamEvent.Parse(_legacy);
}
