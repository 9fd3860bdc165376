using System.Text.Json.Serialization;
using HdrHistogram;

namespace Konstruct.Load.Measure;

/// <summary>A distribution of times, in milliseconds.</summary>
internal sealed record Quantiles(long Count, double P50, double P99, double Max)
{
    public static Quantiles Of(HistogramBase histogram) => histogram.TotalCount == 0
        ? new(0, 0, 0, 0)
        : new(histogram.TotalCount, At(histogram, 50), At(histogram, 99), At(histogram, 100));

    private static double At(HistogramBase histogram, double percentile) => histogram.GetValueAtPercentile(percentile) / 1000.0;
}

/// <summary>The CPU time that a process used during a run.</summary>
/// <param name="Name">As it was given.</param>
/// <param name="Seconds">Of all its threads, user and system.</param>
/// <param name="Per100K">Seconds for each 100,000 chunks of the run; null without chunks.</param>
/// <param name="SteadyPer100K">Likewise while every conversation was streaming; null when that was too short to say.</param>
/// <param name="PeakKb">The most memory that it ever held, in KB.</param>
internal sealed record CpuUse(string Name, double Seconds, double? Per100K, double? SteadyPer100K, long PeakKb);

/// <summary>The result of a run, also as JSON. Times are in milliseconds unless they say otherwise.</summary>
internal sealed record Outcome
{
    public string Dialect { get; init; } = "";
    public string Text { get; init; } = "";
    public int Conversations { get; init; }
    public double Seconds { get; init; }
    public long Sockets { get; init; }
    public long Asked { get; init; }
    public long Done { get; init; }
    public long Chunks { get; init; }
    public double ChunksPerSecond { get; init; }

    /// <summary>Chunks that never came although their answer ended.</summary>
    public long Missing { get; init; }

    /// <summary>Chunks that came again.</summary>
    public long Duplicated { get; init; }

    /// <summary>Chunks that came again to a client that had come back, and that it drops by the protocol's rule: no fault.</summary>
    public long Repeated { get; init; }

    /// <summary>Answers whose text is wrong otherwise.</summary>
    public long Corrupt { get; init; }

    /// <summary>Answers without a frame for as long as the patience is.</summary>
    public long Hung { get; init; }

    /// <summary>Answers whose socket broke and that could not be resumed.</summary>
    public long Cut { get; init; }

    /// <summary>Times that a socket was replaced in the middle of an answer.</summary>
    public long Returned { get; init; }
    public long Resets { get; init; }
    public long UnknownFrames { get; init; }
    public Dictionary<string, int> Errors { get; init; } = [];
    public Dictionary<string, int> Closes { get; init; } = [];
    public Quantiles Typing { get; init; } = new(0, 0, 0, 0);

    /// <summary>From when the message was due.</summary>
    public Quantiles FirstChunk { get; init; } = new(0, 0, 0, 0);

    /// <summary>From the worker's stamp to the client.</summary>
    public Quantiles Delay { get; init; } = new(0, 0, 0, 0);

    /// <summary>From when the message was due to <c>done</c>.</summary>
    public Quantiles Answer { get; init; } = new(0, 0, 0, 0);

    /// <summary>Mean bytes of a chunk's frame on the wire, its header included.</summary>
    public double FrameBytes { get; init; }

    /// <summary>Mean bytes of a chunk's text.</summary>
    public double TextBytes { get; init; }
    public IReadOnlyList<CpuUse> Cpu { get; init; } = [];
    public IReadOnlyList<CoreSpeed> Cores { get; init; } = [];

    /// <summary>The generator's own share of a core. Near <see cref="GeneratorCores"/> it measures itself.</summary>
    public double GeneratorShare { get; init; }
    public int GeneratorCores { get; init; }

    [JsonIgnore]
    public bool IsClean => Missing + Duplicated + Corrupt + Hung + Cut + Errors.Values.Sum() == 0 && Done == Asked;
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Outcome))]
[JsonSerializable(typeof(IdleOutcome))]
internal sealed partial class OutcomeJson : JsonSerializerContext;
