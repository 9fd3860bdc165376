namespace Konstruct.Tests.Chaos;

/// <summary>A kind of fault: how it strikes a running pipeline, and how it is healed.</summary>
/// <param name="Name">As the summary has it.</param>
/// <param name="Targets">What it can strike.</param>
/// <param name="Shortest">Seconds until it is healed, at least.</param>
/// <param name="Longest">The same, at most.</param>
/// <param name="StrikeAsync">Strikes the target.</param>
/// <param name="HealAsync">Heals the target. It is called also when the strike failed.</param>
internal sealed record ChaosFault(
    string Name,
    IReadOnlyList<string> Targets,
    double Shortest,
    double Longest,
    Func<ChaosRig, string, Task> StrikeAsync,
    Func<ChaosRig, string, Task> HealAsync
)
{
    /// <summary>How often it comes while another comes once: what has many targets comes more often.</summary>
    public int Weight => Targets.Count > 1 ? 2 : 1;

    /// <summary>Why it cannot be played here; null: it can.</summary>
    public Func<ChaosRig, string?> Impossible { get; init; } = _ => null;

    public static IReadOnlyList<ChaosFault> All { get; } = [.. ProcessFaults.All, .. LinkFaults.All, .. RedisFaults.All, .. PostgresFaults.All];

    /// <summary>What strikes or heals at once.</summary>
    public static Func<ChaosRig, string, Task> AtOnce(Action<ChaosRig, string> act) =>
        (rig, target) =>
        {
            act(rig, target);
            return Task.CompletedTask;
        };

    public static ChaosFault Named(string name) => All.Single(fault => fault.Name == name);
}
