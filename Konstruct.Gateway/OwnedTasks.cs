using System.Collections.Concurrent;
using Konstruct.ServiceDefaults.Loops;

namespace Konstruct.Gateway;

/// <summary>Work that outlives the call that began it. Nothing is forgotten: the shutdown awaits what still runs, and a failure is reported here.</summary>
internal sealed partial class OwnedTasks(Failures failures, ILogger<OwnedTasks> logger)
{
    private readonly ConcurrentDictionary<Task, string> _running = new();

    /// <summary>How many run now.</summary>
    public int Count => _running.Count;

    /// <summary>Begins work. <paramref name="what"/> names it in log and metric, see <see cref="Failures.Report"/>.</summary>
    public void Run(string what, Func<Task> work)
    {
        Task task;
        using (ExecutionContext.SuppressFlow())
        {
            // It outlives its caller, whose span and log scope must not cling to it: a subscription would name its first turn for ever.
            // And never on the caller's thread: it may hold a lock that the work wants.
            task = Task.Run(() => ObserveAsync(what, work));
        }

        if (!task.IsCompleted)
        {
            _running[task] = what;
            task.ContinueWith(done => _running.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <summary>Completes when everything that runs has ended, and what that has begun.</summary>
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
#pragma warning disable CA1031 // The end of the line for work without a caller: it must not take the process down.
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
