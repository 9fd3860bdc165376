namespace Konstruct.Gateway;

/// <summary>
/// Takes back threads that the pool has got in a bad moment. Its hill climbing is off (the project file says why), so it gets one more whenever nothing was
/// taken from its queue for half a second or longer, if only because the machine stood still, and keeps it for as long as there is traffic: each burst of tokens then
/// wakes one thread after another, and a chunk costs a sixth more.
/// </summary>
/// <remarks>It looks from a thread of its own: what runs in the pool has woken another of its threads, and finds two at work.</remarks>
internal sealed class PoolThreads : IHostedService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>While there are too many, and whenever it looked they were at work.</summary>
    private static readonly TimeSpan SoonAgain = TimeSpan.FromMilliseconds(50);

    private readonly object _gate = new();
    private bool _isStopping;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        new Thread(Watch) { Name = "Pool threads", IsBackground = true }.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _isStopping = true;
            Monitor.Pulse(_gate);
        }

        return Task.CompletedTask;
    }

    private void Watch()
    {
        lock (_gate)
        {
            while (!_isStopping)
            {
                Monitor.Wait(_gate, TakeBack() ? Interval : SoonAgain);
            }
        }
    }

    /// <summary>Back to a thread for each core, unless more than half as many are at work or wait for something just now: they may be what the pool has more threads for.</summary>
    /// <returns>Whether that is done, or there was nothing to take back.</returns>
    private static bool TakeBack()
    {
        ThreadPool.GetMinThreads(out var least, out _);
        ThreadPool.GetMaxThreads(out var most, out var mostForIO);
        ThreadPool.GetAvailableThreads(out var available, out _);
        if (ThreadPool.ThreadCount <= least)
        {
            return true;
        }

        if (2 * (most - available) > least)
        {
            return false;
        }

        ThreadPool.SetMaxThreads(least, mostForIO); // The pool forgets that it wanted more,
        ThreadPool.SetMaxThreads(most, mostForIO); // and may have more again as soon as it is stuck.
        return true;
    }
}
