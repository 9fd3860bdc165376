using Konstruct.Contracts.Dispatch;
using Konstruct.ServiceDefaults.Loops;
using Microsoft.Extensions.Options;

namespace Konstruct.OrchestratorStub.Work;

/// <summary>Renews the leases of all this worker's turns in one call, three times per lease.</summary>
internal sealed class Heartbeat(
    DispatchQueue queue,
    RunningTurns running,
    IOptions<DispatchOptions> options,
    Persistence persistence,
    Failures failures
) : BackgroundService
{
    private readonly TimeSpan _lease = options.Value.Lease;

    /// <summary>A failed heartbeat is retried soon, because the leases are expiring.</summary>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        persistence.LoopAsync("the heartbeat", _lease / 3, _lease / 30, _lease / 3, BeatAsync, stoppingToken);

    private async Task BeatAsync(CancellationToken cancellationToken)
    {
        var entries = running.Entries;
        if (entries.Count == 0)
        {
            return;
        }

        foreach (var lost in await queue.RenewAsync(_lease, [.. entries]))
        {
            failures.Try("stopping a lost turn", () => running.StopEntry(lost, StopReason.Lost));
        }
    }
}
