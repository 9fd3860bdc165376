using System.Diagnostics;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Chaos;

/// <summary>Plays a schedule. A fault whose target is still being healed waits; so does one more than three.</summary>
internal sealed class FaultPlayer(ChaosRig rig, IReadOnlyList<PlannedFault> schedule) : IDisposable
{
    private readonly SemaphoreSlim _atOnce = new(Schedule.MostAtOnce);
    private readonly Dictionary<string, SemaphoreSlim> _targets = schedule
        .Select(fault => fault.Target)
        .Distinct()
        .ToDictionary(target => target, _ => new SemaphoreSlim(1));
    private readonly List<PlayedFault> _played = [];
    private long _began;

    /// <summary>Those that were played, in no order.</summary>
    public IReadOnlyList<PlayedFault> Played
    {
        get
        {
            lock (_played)
            {
                return [.. _played];
            }
        }
    }

    /// <summary>Ends when the last fault is healed.</summary>
    public Task PlayAsync()
    {
        _began = Stopwatch.GetTimestamp();
        return Task.WhenAll(schedule.Select(PlayAsync));
    }

    public void Dispose()
    {
        _atOnce.Dispose();
        foreach (var target in _targets.Values)
        {
            target.Dispose();
        }
    }

    private async Task PlayAsync(PlannedFault planned)
    {
        var kind = ChaosFault.Named(planned.Name);
        if (kind.Impossible(rig) is not null)
        {
            return;
        }

        var early = planned.Start - Stopwatch.GetElapsedTime(_began);
        await Task.Delay(early > TimeSpan.Zero ? early : TimeSpan.Zero);
        await _targets[planned.Target].WaitAsync();
        await _atOnce.WaitAsync();
        var struck = Stopwatch.GetTimestamp();
        await TryAsync(() => kind.StrikeAsync(rig, planned.Target), planned, "strike");
        var rest = planned.Duration - Stopwatch.GetElapsedTime(struck);
        await Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.Zero);
        await TryAsync(() => kind.HealAsync(rig, planned.Target), planned, "heal");
        lock (_played)
        {
            _played.Add(new(planned, struck, Stopwatch.GetTimestamp()));
        }

        _atOnce.Release();
        _targets[planned.Target].Release();
    }

    private async Task TryAsync(Func<Task> act, PlannedFault planned, string what)
    {
        try
        {
            await act().WaitAsync(Until.Soon + Until.Soon);
        }
#pragma warning disable CA1031 // Every fault after this one must be healed all the same, and the run fails with what is recorded here.
        catch (Exception e)
#pragma warning restore CA1031
        {
            rig.Violations.Enqueue(new(Rule.Harness, $"could not {what} {planned}: {e}"));
        }
    }
}

/// <summary>A fault that was played.</summary>
/// <param name="Planned">What it was to be.</param>
/// <param name="Struck">When it struck, in ticks of <see cref="Stopwatch"/>.</param>
/// <param name="Healed">When it was healed.</param>
internal sealed record PlayedFault(PlannedFault Planned, long Struck, long Healed);
