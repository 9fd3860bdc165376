using System.ComponentModel.DataAnnotations;

namespace Konstruct.OrchestratorStub.Model;

/// <summary>Defaults of the fake model: configuration section <c>Stub</c>.</summary>
internal sealed class StubOptions
{
    public const string Section = "Stub";

    /// <summary>Maximum number of turns answered at once. Default 1,024.</summary>
    [Range(1, 100_000)]
    public int Concurrency { get; set; } = 1024;

    /// <summary>Tokens per second. Default 25; 0: as fast as possible.</summary>
    [Range(0, 1_000_000)]
    public double TokensPerSecond { get; set; } = 25;

    /// <summary>Pause before the first token. Default 200 ms; 0: none.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan FirstTokenDelay { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Tokens per answer. Default 40. A message without a command gets whole sentences with at most so many tokens.</summary>
    [Range(0, 1_000_000)]
    public int Tokens { get; set; } = 40;
}
