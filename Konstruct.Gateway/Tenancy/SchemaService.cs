using Konstruct.ServiceDefaults.Stores;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Konstruct.Gateway.Tenancy;

/// <summary>
/// The gateway's other life, with the argument <c>schema</c>: brings the schema up to date with the owner's credentials, then stays and answers
/// <c>/health</c>. It stays since not every platform knows jobs; what exits there is started again.
/// </summary>
internal sealed partial class SchemaService(
    IConfiguration configuration, IHostEnvironment environment, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<SchemaService> logger)
    : BackgroundService, IHealthCheck
{
    /// <summary>Connection strings: the owner's, for this step alone, and the serving role's.</summary>
    private const string Owner = "konstruct-db", Serving = "konstruct";

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
                Give($"Postgres refuses: {exception.MessageText} ({exception.SqlState}). The owner of ConnectionStrings:konstruct-db needs CREATEROLE, and must own the database.");
                return;
            }
            catch (InvalidOperationException exception) when (!exception.IsOutage()) // Entity Framework wraps outages in one.
            {
                Give(exception.Message);
                return;
            }
#pragma warning disable CA1031 // The boundary of a round: what was not foreseen is told, and tried again.
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
            {
                // Starting, restarting or not reachable yet: patience is right, silence is not.
                if (exception.Message != told)
                {
                    Log.Waiting(logger, told = exception.Message);
                }

                await Task.Delay(TimeSpan.FromMilliseconds(250), time, stoppingToken);
            }
        }
    }

    /// <summary>What Postgres says while it starts, stops or has no room. A refusal of this step does not pass: waiting would hide it.</summary>
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
