using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Polly;
using Polly.Retry;

namespace Konstruct.ServiceDefaults.Loops;

/// <summary>
/// Keeps work running that must not end. A failure is reported (<see cref="Failures"/>) and retried after a
/// growing pause with jitter, so that replicas that failed together do not retry together.
/// </summary>
/// <param name="failures">Receives failures.</param>
/// <param name="time">The clock.</param>
public sealed class Persistence(Failures failures, TimeProvider time)
{
    /// <summary>Retries a call until it succeeds or its token is cancelled.</summary>
    /// <param name="work">Name in log and metric, see <see cref="Failures.Report"/>.</param>
    /// <param name="first">Pause after the first failure; it doubles with each further one.</param>
    /// <param name="longest">Maximum pause.</param>
    /// <param name="mayPass">Selects the errors to retry; null: all.</param>
    public ResiliencePipeline Of(string work, TimeSpan first, TimeSpan longest, Func<Exception, bool>? mayPass = null) =>
        new ResiliencePipelineBuilder { TimeProvider = time }
            .AddRetry(
                new RetryStrategyOptions
                {
                    MaxRetryAttempts = int.MaxValue,
                    ShouldHandle = call =>
                        ValueTask.FromResult(
                            call.Outcome.Exception is { } exception
                                && !call.Context.CancellationToken.IsCancellationRequested
                                && (mayPass is null || mayPass(exception))
                        ),
                    DelayGenerator = call => ValueTask.FromResult<TimeSpan?>(Pause(first, longest, call.AttemptNumber)),
                    OnRetry = call =>
                    {
                        failures.Report(work, call.Outcome.Exception!);
                        return ValueTask.CompletedTask;
                    },
                }
            )
            .Build();

    /// <summary>Runs a round every <paramref name="interval"/>, and retries a failed round after a
    /// pause. Ends only when <paramref name="stopping"/> is cancelled.</summary>
    /// <param name="work">Name in log and metric.</param>
    /// <param name="interval">Time between two rounds.</param>
    /// <param name="first">Pause after the first failure.</param>
    /// <param name="longest">Maximum pause.</param>
    /// <param name="round">One round.</param>
    /// <param name="stopping">Ends the loop.</param>
    public async Task LoopAsync(
        string work,
        TimeSpan interval,
        TimeSpan first,
        TimeSpan longest,
        Func<CancellationToken, Task> round,
        CancellationToken stopping
    )
    {
        var persistently = Of(work, first, longest);
        using var timer = new PeriodicTimer(interval, time);
        while (await timer.WaitForNextTickAsync(stopping))
        {
            await persistently.ExecuteAsync(async cancellation => await round(cancellation), stopping);
        }
    }

    /// <summary>Between half of the pause and the full pause.</summary>
    private static TimeSpan Pause(TimeSpan first, TimeSpan longest, int failures)
    {
        var grown = first * Math.Pow(2, Math.Min(failures, 20));
        return (grown < longest ? grown : longest) * (0.5 + (Random.Shared.NextDouble() / 2));
    }
}

/// <summary>Registers services for loops.</summary>
public static class LoopExtensions
{
    /// <summary>Adds <see cref="Failures"/> and <see cref="Persistence"/>.</summary>
    public static IServiceCollection AddLoops(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<Failures>();
        services.TryAddSingleton<Persistence>();
        return services;
    }
}
