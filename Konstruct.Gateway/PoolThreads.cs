namespace Konstruct.Gateway;

/// <summary>
/// Takes back threads that the pool has got in a bad moment. Its hill climbing is off (the project file says why), so it gets one more whenever nothing was
/// taken from its queue for half a second or longer, if only because the machine stood still, and keeps it for as long as there is traffic: each burst of tokens then
/// wakes one thread after another, and a chunk costs a sixth more.
/// </summary>
internal sealed class PoolThreads(TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            TakeBack();
        }
    }

    /// <summary>Back to a thread for each core, unless another one than this is at work or waits for something just now: it may be what the pool has more threads for.</summary>
    private static void TakeBack()
    {
        ThreadPool.GetMinThreads(out var least, out _);
        ThreadPool.GetMaxThreads(out var most, out var mostForIO);
        ThreadPool.GetAvailableThreads(out var available, out _);
        if (ThreadPool.ThreadCount > least && most - available <= 1)
        {
            ThreadPool.SetMaxThreads(least, mostForIO); // The pool forgets that it wanted more,
            ThreadPool.SetMaxThreads(most, mostForIO); // and may have more again as soon as it is stuck.
        }
    }
}
