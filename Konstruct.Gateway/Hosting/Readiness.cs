using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Storage.Schema;
using Konstruct.ServiceDefaults.Stores;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Konstruct.Gateway.Hosting;

/// <summary>
/// <c>/health</c>: ready once every required operation on Redis and Postgres has worked, schema and role are correct, and the
/// gateway is not draining. A later outage of a store does not make all replicas unready at once: clients get error frames,
/// and metrics show it. A role that could see several tenants does (<see cref="GuardWatch"/>).
/// </summary>
internal sealed partial class Readiness(
    IServiceScopeFactory scopes,
    GatewayTrial redis,
    Stopping stopping,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<Readiness> logger
) : BackgroundService, IHealthCheck
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isRefused;

    /// <summary>Whether clients are accepted: started, not refused by the guard, and not draining.</summary>
    public bool IsReady => _ready.Task.IsCompleted && !_isRefused && !stopping.IsDraining;

    /// <summary>Completes when schema and role are correct. Code that queries the schema must await it.</summary>
    public Task WhenStarted => _ready.Task;

    /// <summary>Whether the guard has refused since the start. Set by <see cref="GuardWatch"/>.</summary>
    public bool IsRefused
    {
        get => _isRefused;
        set => _isRefused = value;
    }

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
            if (await redis.RunAsync() is { } refused)
            {
                return new(GuardVerdict.Wait, refused);
            }

            await using var scope = scopes.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<ChatDbContext>();
            var result = await ServingRoleGuard.InspectAsync(db, cancellationToken);
            return result.Verdict == GuardVerdict.Serve && await StoreTrial.RunAsync(db, cancellationToken) is { } reason
                ? new(GuardVerdict.Wait, reason)
                : result;
        }
        catch (Exception exception) when (WantsSchemaStep(exception))
        {
            return new(
                GuardVerdict.Wait,
                "Postgres does not know the serving role of ConnectionStrings:konstruct, or its database, yet. The schema step makes both."
            );
        }
        catch (Exception exception) when (exception.IsUnreachable())
        {
            return new(GuardVerdict.Wait, "Postgres (ConnectionStrings:konstruct) does not answer.");
        }
#pragma warning disable CA1031 // Round boundary: unforeseen errors are reported and retried.
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            return new(GuardVerdict.Wait, $"What it needs could not be tried: {exception.GetType().Name}: {exception.Message}");
        }
    }

    private static bool WantsSchemaStep(Exception exception) =>
        exception
            is PostgresException
            {
                SqlState: PostgresErrorCodes.InvalidPassword
                    or PostgresErrorCodes.InvalidAuthorizationSpecification
                    or PostgresErrorCodes.InvalidCatalogName
                    or PostgresErrorCodes.InsufficientPrivilege
                    or PostgresErrorCodes.UndefinedTable,
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
