using Konstruct.Contracts.Redis;

namespace Konstruct.OrchestratorStub.Work;

/// <summary>Repeats a call to Redis until its outcome is known. Every script can be repeated; a time-out does not mean that nothing happened.</summary>
internal static class Patience
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    /// <exception cref="OperationCanceledException">The caller gave up first.</exception>
    public static async Task<T> UntilKnownAsync<T>(Func<Task<T>> call, TimeProvider time, CancellationToken cancellationToken)
    {
        var pause = TimeSpan.FromMilliseconds(50);
        while (true)
        {
            try
            {
                return await call();
            }
            catch (Exception exception) when (exception.IsRedisOutage())
            {
                await Task.Delay(pause, time, cancellationToken);
                pause = pause * 2 < Longest ? pause * 2 : Longest;
            }
        }
    }
}
