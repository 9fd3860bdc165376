using Konstruct.ServiceDefaults.Stores;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Konstruct.Gateway.Storage.Schema;

/// <summary>
/// The gateway with the argument <c>schema</c>: updates the schema with the owner's credentials, then stays up and
/// answers <c>/health</c>. It does not exit, because some platforms have no jobs and would restart it.
/// </summary>
internal sealed partial class SchemaService(
    IConfiguration configuration,
    IHostEnvironment environment,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<SchemaService> logger
) : BackgroundService, IHealthCheck
{
    /// <summary>Names of the connection strings: the owner's, used only here, and the serving role's.</summary>
    private const string Owner = "konstruct-db",
        Serving = "konstruct";

    private volatile bool _isDone;

    public static async Task<int> RunAsync(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.AddServiceDefaults();
        builder.RequireConnectionString(Owner, PostgresConnectionString.FindFault);
        builder.RequireConnectionString(Serving, PostgresConnectionString.FindFault);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<SchemaService>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<SchemaService>());
        builder.Services.AddHealthChecks().AddCheck<SchemaService>("schema", tags: [ServiceDefaultsExtensions.ReadyTag]);
        return await builder.RunToEndAsync(app => app.MapDefaultEndpoints());
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(_isDone ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy());

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var step = new SchemaStep(configuration.GetConnectionString(Owner)!, configuration.GetConnectionString(Serving)!, logger);
        var told = "";
        while (!_isDone)
        {
            try
            {
                await step.RunAsync(environment.IsDevelopment(), stoppingToken);
                _isDone = true;
            }
            catch (PostgresException exception) when (!Passes(exception))
            {
                Give(
                    $"Postgres refuses: {exception.MessageText} ({exception.SqlState}). The owner of ConnectionStrings:konstruct-db needs CREATEROLE, and must own the database."
                );
                return;
            }
            catch (InvalidOperationException exception) when (!exception.IsOutage()) // EF wraps outages in this type.
            {
                Give(exception.Message);
                return;
            }
#pragma warning disable CA1031 // Round boundary: unforeseen errors are logged and retried.
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
            {
                // Postgres is starting, restarting or not reachable yet: wait, and log why.
                if (exception.Message != told)
                {
                    Log.Waiting(logger, told = exception.Message);
                }

                await Task.Delay(TimeSpan.FromMilliseconds(250), time, stoppingToken);
            }
        }
    }

    /// <summary>
    /// Whether an error is temporary: Postgres starts, stops or has no resources. A refusal of this step is permanent; waiting would hide it.
    /// </summary>
    private static bool Passes(PostgresException exception) => exception.IsTransient || exception.SqlState.StartsWith("57", StringComparison.Ordinal);

    private void Give(string reason)
    {
        Log.GivenUp(logger, reason);
        Environment.ExitCode = 1;
        lifetime.StopApplication();
    }

    private static partial class Log
    {
        [LoggerMessage(110, LogLevel.Information, "Waiting for Postgres: {Reason}")]
        public static partial void Waiting(ILogger logger, string reason);

        [LoggerMessage(111, LogLevel.Critical, "The schema was not made. {Reason}")]
        public static partial void GivenUp(ILogger logger, string reason);
    }
}
