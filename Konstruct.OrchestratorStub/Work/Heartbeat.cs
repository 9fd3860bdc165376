using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Microsoft.Extensions.Options;

namespace Konstruct.OrchestratorStub.Work;

/// <summary>Renews the leases of all turns that this worker answers, with one call, three times as often as they run out.</summary>
internal sealed partial class Heartbeat(
    DispatchQueue queue, RunningTurns running, IOptions<DispatchOptions> options, TimeProvider time, ILogger<Heartbeat> logger) : BackgroundService
{
    private readonly TimeSpan _lease = options.Value.Lease;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(_lease / 3, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var entries = running.Entries;
            if (entries.Count == 0)
            {
                continue;
            }

            try
            {
                foreach (var lost in await queue.RenewAsync(_lease, [.. entries]))
                {
                    running.StopEntry(lost, StopReason.Lost);
                }
            }
            catch (Exception exception) when (exception.IsRedisOutage())
            {
                Log.NotRenewed(logger, exception.Message);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(520, LogLevel.Warning, "Leases could not be renewed, trying again: {Reason}")]
        public static partial void NotRenewed(ILogger logger, string reason);
    }
}
