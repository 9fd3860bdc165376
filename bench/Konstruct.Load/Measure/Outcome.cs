using System.Text.Json.Serialization;
using HdrHistogram;

namespace Konstruct.Load.Measure;

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Outcome))]
[JsonSerializable(typeof(IdleOutcome))]
internal sealed partial class OutcomeJson : JsonSerializerContext;

/// <summary>A distribution of times in milliseconds.</summary>
internal sealed record Quantiles(long Count, double P50, double P99, double Max)
{
    public static Quantiles Of(HistogramBase histogram) =>
        histogram.TotalCount == 0 ? new(0, 0, 0, 0) : new(histogram.TotalCount, At(histogram, 50), At(histogram, 99), At(histogram, 100));

    private static double At(HistogramBase histogram, double percentile) => histogram.GetValueAtPercentile(percentile) / 1000.0;
}

/// <summary>CPU time of a process during a run.</summary>
/// <param name="Name">The name from the command line.</param>
/// <param name="Seconds">User and system time of all threads.</param>
/// <param name="Per100K">Seconds per 100,000 chunks of the run; null: no chunks.</param>
/// <param name="SteadyPer100K">The same while every conversation was streaming; null: that was too short.</param>
/// <param name="PeakKb">Peak resident memory in KB.</param>
internal sealed record CpuUse(string Name, double Seconds, double? Per100K, double? SteadyPer100K, long PeakKb);

/// <summary>Result of a run, also as JSON. Times are in milliseconds unless stated otherwise.</summary>
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

    /// <summary>Chunks that never arrived although the answer ended.</summary>
    public long Missing { get; init; }

    /// <summary>Chunks that arrived again.</summary>
    public long Duplicated { get; init; }

    /// <summary>Chunks that arrived again after a reconnect. The protocol tells the client to drop them, so they are not a fault.</summary>
    public long Repeated { get; init; }

    /// <summary>Answers with another fault in their text.</summary>
    public long Corrupt { get; init; }

    /// <summary>Answers without a frame for the time-out.</summary>
    public long Hung { get; init; }

    /// <summary>Answers whose socket broke and that could not be resumed.</summary>
    public long Cut { get; init; }

    /// <summary>Number of reconnects during answers.</summary>
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

    /// <summary>Mean size of a chunk's frame on the wire, with its header, in bytes.</summary>
    public double FrameBytes { get; init; }

    /// <summary>Mean size of a chunk's text in bytes.</summary>
    public double TextBytes { get; init; }
    public IReadOnlyList<CpuUse> Cpu { get; init; } = [];

    /// <summary>Null: no store was watched.</summary>
    public StoreUse? Stores { get; init; }
    public IReadOnlyList<CoreSpeed> Cores { get; init; } = [];

    /// <summary>The generator's share of a core. Near <see cref="GeneratorCores"/> the result is limited by the generator.</summary>
    public double GeneratorShare { get; init; }
    public int GeneratorCores { get; init; }

    [JsonIgnore]
    public bool IsClean => Missing + Duplicated + Corrupt + Hung + Cut + Errors.Values.Sum() == 0 && Done == Asked;
}
