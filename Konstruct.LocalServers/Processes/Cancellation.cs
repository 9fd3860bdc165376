namespace Konstruct.LocalServers.Processes;

/// <summary>Cancellation as a task that can be awaited with others.</summary>
internal static class Cancellation
{
    /// <summary>Completes, without an exception, when the token is cancelled.</summary>
    public static async Task RequestedAsync(this CancellationToken token) =>
        await Task.Delay(Timeout.InfiniteTimeSpan, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>Waits for a time, or until the token is cancelled.</summary>
    public static async Task PauseAsync(TimeSpan time, CancellationToken token) =>
        await Task.Delay(time, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
