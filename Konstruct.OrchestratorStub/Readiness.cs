using Konstruct.Contracts.Redis;
using Konstruct.OrchestratorStub.Work;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Konstruct.OrchestratorStub;

/// <summary>
/// <c>/health</c>: ready once every required Redis operation has worked. Until then the worker claims no task, because a task
/// that it cannot answer would cost the turn an attempt. A later outage of Redis does not make it unready.
/// </summary>
internal sealed partial class Readiness(IConnectionMultiplexer redis, IOptions<DispatchOptions> options, TimeProvider time, ILogger<Readiness> logger)
    : BackgroundService,
        IHealthCheck
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when all required operations have worked.</summary>
    public Task WhenStarted => _ready.Task;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(_ready.Task.IsCompleted ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy());

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var trial = new RedisTrial(redis, new(options.Value.ResponseChannel));
        var told = "";
        while (await InspectAsync(trial) is { } reason)
        {
            if (reason != told)
            {
                Log.Waiting(logger, told = reason);
            }

            await Task.Delay(Pause, time, stoppingToken);
        }

        _ready.SetResult();
        Log.Ready(logger);
    }

    private static async Task<string?> InspectAsync(RedisTrial trial)
    {
        try
        {
            return await trial.RunAsync(RedisKeys.Wake) ?? await trial.RunAsync(RedisKeys.Stop);
        }
#pragma warning disable CA1031 // Round boundary: unforeseen errors are reported and retried.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return $"What it needs could not be tried: {exception.GetType().Name}: {exception.Message}";
        }
    }

    private static partial class Log
    {
        [LoggerMessage(560, LogLevel.Information, "Ready: all that is needed of Redis works")]
        public static partial void Ready(ILogger logger);

        [LoggerMessage(561, LogLevel.Information, "Not ready yet: {Reason}")]
        public static partial void Waiting(ILogger logger, string reason);
    }
}
