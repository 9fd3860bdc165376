namespace Konstruct.OrchestratorStub.Model;

/// <summary>Schedules tokens relative to the beginning, so that a late timer delays one token and not all that follow.</summary>
internal sealed class Pace(Scenario scenario, TimeProvider time)
{
    /// <summary>Timers cannot keep shorter waits.</summary>
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);

    private readonly long _began = time.GetTimestamp();

    /// <summary>Waits until the token with this index (from 0) is due.</summary>
    public Task WaitForAsync(int index, CancellationToken cancellationToken)
    {
        var due = scenario.Delay + (scenario.Rate > 0 ? TimeSpan.FromSeconds(index / scenario.Rate) : TimeSpan.Zero);
        var wait = due - time.GetElapsedTime(_began);
        cancellationToken.ThrowIfCancellationRequested();
        return wait >= Shortest ? Task.Delay(wait, time, cancellationToken) : Task.CompletedTask;
    }
}
