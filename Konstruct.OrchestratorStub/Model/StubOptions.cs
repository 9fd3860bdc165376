using System.ComponentModel.DataAnnotations;

namespace Konstruct.OrchestratorStub.Model;

/// <summary>How the fake model answers when a message does not say otherwise: configuration section <c>Stub</c>.</summary>
internal sealed class StubOptions
{
    public const string Section = "Stub";

    /// <summary>Turns that are answered at once. Default 1,024.</summary>
    [Range(1, 100_000)]
    public int Concurrency { get; set; } = 1024;

    /// <summary>Tokens per second. Default 25; 0: as fast as they can be written.</summary>
    [Range(0, 1_000_000)]
    public double TokensPerSecond { get; set; } = 25;

    /// <summary>The pause before the first token. Default 200 ms; 0: none.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan FirstTokenDelay { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Tokens of an answer. Default 40.</summary>
    [Range(0, 1_000_000)]
    public int Tokens { get; set; } = 40;
}
