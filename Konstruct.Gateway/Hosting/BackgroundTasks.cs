using System.Collections.Concurrent;
using Konstruct.ServiceDefaults.Loops;

namespace Konstruct.Gateway.Hosting;

/// <summary>Background work that outlives its caller. Shutdown awaits the work that still runs, and failures are reported here.</summary>
internal sealed partial class BackgroundTasks(Failures failures, ILogger<BackgroundTasks> logger)
{
    private readonly ConcurrentDictionary<Task, string> _running = new();

    /// <summary>Number of running tasks.</summary>
    public int Count => _running.Count;

    /// <summary>Starts work. <paramref name="what"/> names it in log and metric, see <see cref="Failures.Report"/>.</summary>
    public void Run(string what, Func<Task> work)
    {
        Task task;
        using (ExecutionContext.SuppressFlow())
        {
            // No execution context: the work outlives its caller, and a subscription would keep its first turn's span and
            // log scope for ever. Task.Run: the caller's thread may hold a lock that the work needs.
            task = Task.Run(() => ObserveAsync(what, work));
        }

        if (!task.IsCompleted)
        {
            _running[task] = what;
            task.ContinueWith(
                done => _running.TryRemove(done, out _),
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default
            );
        }
    }

    /// <summary>Completes when all work has ended, including work that it started.</summary>
    public async Task WhenIdleAsync()
    {
        while (_running.Keys is { Count: > 0 } running)
        {
            await Task.WhenAll(running);
        }
    }

    private async Task ObserveAsync(string what, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (OperationCanceledException)
        {
            Log.Abandoned(logger, what);
        }
#pragma warning disable CA1031 // Boundary of work without a caller: it must not end the process.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            failures.Report(what, exception);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(10, LogLevel.Debug, "Gave up on {What}: the gateway is stopping")]
        public static partial void Abandoned(ILogger logger, string what);
    }
}
