namespace Konstruct.Tests.Chaos;

/// <summary>Gateways and workers that die, stop, stand still, or have a wrong clock.</summary>
internal static class ProcessFaults
{
    public static IReadOnlyList<ChaosFault> All { get; } =
    [
        new("killed", Targets.Processes, 0.5, 6, (rig, target) => rig.KillAsync(target), (rig, target) => rig.NodeOf(target).LaunchAsync()),
        new(
            "stopped in order",
            Targets.Processes,
            0.5,
            6,
            (rig, target) => rig.StopInOrderAsync(target),
            (rig, target) => rig.NodeOf(target).LaunchAsync()
        ),
        new(
            "paused",
            Targets.Processes,
            1,
            8,
            ChaosFault.AtOnce((rig, target) => rig.NodeOf(target).Process.Stall()),
            ChaosFault.AtOnce((rig, target) => rig.NodeOf(target).Process.Resume())
        ),
        Clock("a minute ahead", TimeSpan.FromMinutes(1)),
        Clock("a minute behind", TimeSpan.FromMinutes(-1)),
    ];

    private static ChaosFault Clock(string name, TimeSpan offset) =>
        new(
            name,
            [Targets.Clocks],
            5,
            15,
            ChaosFault.AtOnce((rig, _) => rig.Clock!.Set(offset)),
            ChaosFault.AtOnce((rig, _) => rig.Clock!.Set(TimeSpan.Zero))
        )
        {
            Impossible = rig => rig.Clock is null ? $"it needs {ShiftedClock.Requirement}" : null,
        };
}
