using Konstruct.Gateway.Tenancy;
using Konstruct.ServiceDefaults.Stores;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using StackExchange.Redis;

namespace Konstruct.Gateway;

/// <summary>
/// <c>/health</c>: started once with Redis, Postgres, schema and role right, and not draining. A store that fails later does not make every replica
/// unready at once: clients get error frames, and the metrics show it.
/// </summary>
internal sealed partial class Readiness(
    IServiceScopeFactory scopes, IConnectionMultiplexer redis, Stopping stopping, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<Readiness> logger)
    : BackgroundService, IHealthCheck
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether clients may come: started once, and not draining.</summary>
    public bool IsReady => _ready.Task.IsCompleted && !stopping.IsDraining;

    /// <summary>Completes when schema and role are right: what queries them has to wait until then.</summary>
    public Task WhenStarted => _ready.Task;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(IsReady ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy());

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var told = "";
        while (!stoppingToken.IsCancellationRequested)
        {
            var (verdict, reason) = await InspectAsync(stoppingToken);
            switch (verdict)
            {
                case GuardVerdict.Serve:
                    _ready.SetResult();
                    Log.Ready(logger);
                    return;
                case GuardVerdict.Refuse:
                    Log.Refused(logger, reason);
                    Environment.ExitCode = 1;
                    lifetime.StopApplication();
                    return;
            }

            if (reason != told)
            {
                Log.Waiting(logger, told = reason);
            }

            await Task.Delay(Pause, time, stoppingToken);
        }
    }

    private async Task<GuardResult> InspectAsync(CancellationToken cancellationToken)
    {
        try
        {
            await redis.GetDatabase().PingAsync();
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            return new(GuardVerdict.Wait, "Redis (ConnectionStrings:redis) does not answer.");
        }

        try
        {
            await using var scope = scopes.CreateAsyncScope();
            return await ServingRoleGuard.InspectAsync(scope.ServiceProvider.GetRequiredService<ChatDbContext>(), cancellationToken);
        }
        catch (Exception exception) when (WantsSchemaStep(exception))
        {
            return new(GuardVerdict.Wait, "Postgres does not know the serving role of ConnectionStrings:konstruct, or its database, yet. The schema step makes both.");
        }
        catch (Exception exception) when (exception.IsUnreachable())
        {
            return new(GuardVerdict.Wait, "Postgres (ConnectionStrings:konstruct) does not answer.");
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            return new(GuardVerdict.Wait, $"Postgres (ConnectionStrings:konstruct) does not answer as it should: {exception.Message}"); // Its fault may pass; this loop must not end.
        }
    }

    private static bool WantsSchemaStep(Exception exception) =>
        exception is PostgresException
        {
            SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification or PostgresErrorCodes.InvalidCatalogName
                or PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.UndefinedTable,
        }
        || (exception.InnerException is { } inner && WantsSchemaStep(inner));

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Ready: Redis, Postgres, schema and role are right")]
        public static partial void Ready(ILogger logger);

        [LoggerMessage(2, LogLevel.Information, "Not ready yet: {Reason}")]
        public static partial void Waiting(ILogger logger, string reason);

        [LoggerMessage(3, LogLevel.Critical, "Refusing to serve: {Reason}")]
        public static partial void Refused(ILogger logger, string reason);
    }
}
