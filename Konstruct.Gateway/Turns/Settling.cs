using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Telemetry;
using Konstruct.ServiceDefaults.Stores;

namespace Konstruct.Gateway.Turns;

/// <summary>
/// Takes turns that have ended out of the dispatch queue. Only tidying: nobody waits for it, so it is done for many turns at once, and an entry that stays,
/// because Redis is down or this gateway is killed, is found by whoever claims or sweeps it.
/// </summary>
internal sealed partial class Settling(DispatchQueue queue, OwnedTasks tasks, TimeProvider time, Stopping stopping, ILogger<Settling> logger)
{
    /// <summary>How long turns are gathered: each call settles what ended within it.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private List<string> _entries = []; // Not empty: somebody is about to take them.

    /// <summary>Settles all attempts of a turn, soon.</summary>
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
            tasks.Run("settling turns", () => SettleAsync(context));
        }
    }

    private async Task SettleAsync(ExecutionContext? context)
    {
        await Task.Delay(Gathering, time, stopping.Hard).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        List<string> entries;
        lock (_gate)
        {
            (entries, _entries) = (_entries, []);
        }

        try
        {
            await context.RunAsync(() => queue.SettleAsync(entries));
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            Log.NotSettled(logger, entries.Count, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(301, LogLevel.Warning, "{Attempts} attempts of turns that are persisted stay in the dispatch queue for now: {Reason}")]
        public static partial void NotSettled(ILogger logger, int attempts, string reason);
    }
}
