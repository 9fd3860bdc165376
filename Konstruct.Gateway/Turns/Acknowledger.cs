using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Hosting;
using Konstruct.Gateway.Telemetry;
using Konstruct.ServiceDefaults.Stores;

namespace Konstruct.Gateway.Turns;

/// <summary>
/// Acknowledges persisted turns: removes their entries from the dispatch queue. No caller waits for it, so many turns share one
/// call. An entry that stays, because Redis is down or this gateway is killed, is found by the next claim or sweep.
/// </summary>
internal sealed partial class Acknowledger(
    DispatchQueue queue,
    BackgroundTasks tasks,
    TimeProvider time,
    Stopping stopping,
    ILogger<Acknowledger> logger
)
{
    /// <summary>Time during which turns are collected for one call.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private List<string> _entries = []; // Not empty: a scheduled task will take them.

    /// <summary>Acknowledges all attempts of a turn, within <c>Gathering</c>.</summary>
    public void Add(Guid turnId, int attempts)
    {
        bool isFirst;
        lock (_gate)
        {
            isFirst = _entries.Count == 0;
            for (var attempt = 1; attempt <= attempts; attempt++)
            {
                _entries.Add(RedisKeys.Entry(turnId, attempt));
            }
        }

        if (isFirst)
        {
            var context = ExecutionContext.Capture();
            tasks.Run("acknowledging turns", () => AcknowledgeAsync(context));
        }
    }

    private async Task AcknowledgeAsync(ExecutionContext? context)
    {
        await Task.Delay(Gathering, time, stopping.Hard).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        List<string> entries;
        lock (_gate)
        {
            (entries, _entries) = (_entries, []);
        }

        try
        {
            await context.RunAsync(() => queue.RemoveAsync(entries));
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            Log.NotAcknowledged(logger, entries.Count, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(301, LogLevel.Warning, "{Attempts} attempts of turns that are persisted stay in the dispatch queue for now: {Reason}")]
        public static partial void NotAcknowledged(ILogger logger, int attempts, string reason);
    }
}
