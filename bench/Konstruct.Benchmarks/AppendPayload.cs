using BenchmarkDotNet.Attributes;
using Konstruct.Contracts.Redis;

namespace Konstruct.Benchmarks;

/// <summary>Builds the payload of a token, which is appended, published and, in v2, sent.</summary>
public class AppendPayload
{
    private readonly Guid _turn = Guid.CreateVersion7();
    private readonly string _long = string.Concat(Enumerable.Repeat("answer ", 100));

    [Benchmark(Baseline = true)]
    public byte[] Token() => StreamEvent.Chunk("answer ", _turn, attempt: 1, seq: 117);

    [Benchmark]
    public byte[] Emoji() => StreamEvent.Chunk("👩‍👩‍👧‍👦 ", _turn, attempt: 1, seq: 117);

    [Benchmark]
    public byte[] Paragraph() => StreamEvent.Chunk(_long, _turn, attempt: 1, seq: 117);
}
