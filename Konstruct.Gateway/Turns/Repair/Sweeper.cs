using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Hosting;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Telemetry;
using Konstruct.ServiceDefaults.Loops;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Turns.Repair;

/// <summary>
/// The only repair path. Every gateway looks for turns that are pending in Postgres and missing in Redis. A crash anywhere, a lost
/// lease and a flushed Redis all look the same here. Postgres issues the next attempt, so only one gateway dispatches it.
/// </summary>
internal sealed class Sweeper(
    PendingTurns pending,
    ITurnDispatcher dispatcher,
    TurnRepair repair,
    StaleEntries stale,
    GatewayMetrics metrics,
    Readiness readiness,
    Stopping stopping,
    Persistence persistence,
    IOptions<ChatOptions> options
) : BackgroundService
{
    private const int PageSize = 500;

    private readonly ChatOptions _options = options.Value;
    private Seen _seen = new([], []);

    /// <summary>Runs one round. A turn that cannot be repaired does not delay others. Throws when a store is down.</summary>
    internal async Task SweepAsync(CancellationToken cancellationToken)
    {
        try
        {
            await RepairAllAsync(cancellationToken);
            await stale.TidyAsync(cancellationToken);
            if (metrics.IsQueueWanted)
            {
                metrics.QueueMeasured(await dispatcher.MeasureAsync());
            }
        }
        catch
        {
            metrics.QueueMeasured(null); // The last measurement is out of date.
            throw;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await readiness.WhenStarted.WaitAsync(stoppingToken);

        // Replicas that start together must not sweep together.
        var interval = _options.SweepInterval * (1 + (Random.Shared.NextDouble() / 4));
        await persistence.LoopAsync("the sweep", interval, interval / 2, 5 * interval, SweepAsync, stoppingToken);
    }

    private async Task RepairAllAsync(CancellationToken cancellationToken)
    {
        var seen = new Seen([], []);
        PendingTurn? last = null;
        repair.BeginRound();
        while (true)
        {
            var page = await pending.ReadAsync(_options.SweepAge, last, PageSize, cancellationToken);
            if (page.Count > 0)
            {
                var states = await dispatcher.InspectAsync(page);
                foreach (var (turn, state) in page.Zip(states))
                {
                    if (state != DispatchState.Missing || IsMissing(turn, seen))
                    {
                        await repair.TryRepairAsync(turn, state, cancellationToken);
                    }
                }
            }

            if (page.Count < PageSize || stopping.IsDraining)
            {
                break;
            }

            last = page[^1];
        }

        _seen = seen;
    }

    /// <summary>
    /// An attempt that a sweep gave out counts as missing in the second round that misses it: in the first round, the gateway that got it
    /// may be about to queue it, or to give it back. The first attempt comes from a sweep if an earlier one was given back.
    /// </summary>
    private bool IsMissing(PendingTurn turn, Seen seen)
    {
        var entry = RedisKeys.Entry(turn.TurnId, turn.Attempt);
        seen.Missing.Add(entry);
        var wasGivenBack = turn.Attempt == 0 || _seen.GivenBack.Contains(turn.TurnId);
        if (wasGivenBack)
        {
            seen.GivenBack.Add(turn.TurnId);
        }

        var isFromSweep = turn.Attempt > 1 || (turn.Attempt == 1 && wasGivenBack);
        return !isFromSweep || _seen.Missing.Contains(entry);
    }

    /// <summary>What a round saw of turns that are in no state in Redis.</summary>
    /// <param name="Missing">Their entries.</param>
    /// <param name="GivenBack">Turns that had no attempt, in this round or one before.</param>
    private sealed record Seen(HashSet<string> Missing, HashSet<Guid> GivenBack);
}
