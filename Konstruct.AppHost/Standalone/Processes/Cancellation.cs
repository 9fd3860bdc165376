namespace Konstruct.AppHost.Standalone.Processes;

/// <summary>Cancellation as something to wait for beside other things.</summary>
internal static class Cancellation
{
    /// <summary>Completes, without an exception, when the token is cancelled.</summary>
    public static async Task RequestedAsync(this CancellationToken token) =>
        await Task.Delay(Timeout.InfiniteTimeSpan, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>Lets some time pass, or less when the token is cancelled.</summary>
    public static async Task PauseAsync(TimeSpan time, CancellationToken token) =>
        await Task.Delay(time, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
