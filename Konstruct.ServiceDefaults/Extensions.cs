using Konstruct.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Polly;
using Polly.Timeout;

namespace Microsoft.Extensions.Hosting;

/// <summary>Defaults of every service: telemetry, health checks, service discovery and resilient HTTP clients.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>Readiness: whether the service accepts traffic.</summary>
    public const string HealthPath = "/health";

    /// <summary>Liveness: whether the process should keep running.</summary>
    public const string AlivePath = "/alive";

    /// <summary>Tag of health checks for <see cref="AlivePath"/>.</summary>
    public const string LiveTag = "live";

    /// <summary>Tag of health checks for <see cref="HealthPath"/>, for the life of the process.</summary>
    public const string ReadyTag = "ready";

    /// <summary>Time-out of health checks that set none.</summary>
    private static readonly TimeSpan CheckLimit = TimeSpan.FromSeconds(2);

    /// <summary>Adds settings from files, telemetry, health checks, service discovery and resilience.</summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.AddSecretsFolder();
        builder.ConfigureOpenTelemetry();
        builder.AddDefaultHealthChecks();
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http =>
        {
            http.AddStandardResilienceHandler(LetStreamsRun);
            http.AddServiceDiscovery();
        });
        return builder;
    }

    /// <summary>
    /// Exports logs, metrics and traces to the collector in <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>. Without it nothing is exported, because an exporter
    /// without a collector delays every shutdown by ten seconds. Data that only a collector needs is not produced either: formatting each line again
    /// and a span per query were a seventh of a turn's cost. The application's own spans are always created, because other spans are their children.
    /// </summary>
    public static TBuilder ConfigureOpenTelemetry<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        // Redis work appears as our operations (claim, append, finish): a span per command would be
        // several per token. Query spans are added below, if there is a collector.
        builder.Configuration["Aspire:StackExchange:Redis:DisableTracing"] = "true";
        builder.Configuration["Aspire:Npgsql:EntityFrameworkCore:PostgreSQL:DisableTracing"] = "true";

        // Ctrl+C ends the dashboard and the services together, and Aspire lets exporters retry, which kept each process alive for ten seconds.
        if (builder.Environment.IsDevelopment())
        {
            builder.Configuration["OTEL_EXPORTER_OTLP_TIMEOUT"] ??= "1000";
        }

        // Alerts on logs use event ids, which the exporter omits by default.
        builder.Configuration["OTEL_DOTNET_EXPERIMENTAL_OTLP_EMIT_EVENT_LOG_ATTRIBUTES"] ??= "true";

        var telemetry = builder
            .Services.AddOpenTelemetry()
            .ConfigureResource(resource => ServiceIdentity.AddTo(resource, builder))
            .WithMetrics(metrics =>
                metrics.AddAspNetCoreInstrumentation().AddHttpClientInstrumentation().AddRuntimeInstrumentation().AddMeter("Konstruct.*", "Npgsql")
            )
            .WithTracing(tracing =>
                tracing.AddAspNetCoreInstrumentation(options => options.Filter = IsWorthASpan).AddHttpClientInstrumentation().AddSource("Konstruct.*")
            );

        // Above: what is collected. Here: the exporter, and data that only a collector needs.
        if (!string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        {
            telemetry
                .WithLogging(
                    null,
                    logging =>
                    {
                        logging.IncludeFormattedMessage = true;
                        logging.IncludeScopes = true;
                    }
                )
                .WithTracing(tracing => tracing.AddSource("Npgsql").AddProcessor(new NoLoneQueries()))
                .UseOtlpExporter();
        }

        return builder;
    }

    /// <summary>Adds a check that the process responds, and gives every check without a time-out two seconds.</summary>
    public static TBuilder AddDefaultHealthChecks<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        // A context with retries takes a minute to report a missing database; probes time out long before.
        builder.Services.PostConfigure<HealthCheckServiceOptions>(options =>
        {
            foreach (var check in options.Registrations.Where(check => check.Timeout == Timeout.InfiniteTimeSpan))
            {
                check.Timeout = CheckLimit;
            }
        });
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), [LiveTag]);
        return builder;
    }

    /// <summary>
    /// Maps <see cref="AlivePath"/> and <see cref="HealthPath"/> in every environment, for platforms
    /// that probe without credentials. Both return only the status, 200 or 503.
    /// </summary>
    /// <remarks>
    /// A service with a check tagged <see cref="ReadyTag"/> is ready when that check passes. Any other service is ready once every check has passed,
    /// including those of the stores, and stays ready. Otherwise a later outage of a store would remove all replicas at once, with their sockets.
    /// </remarks>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        var registered = app.Services.GetRequiredService<IOptions<HealthCheckServiceOptions>>().Value.Registrations;
        var hasBeenReady = registered.Any(check => check.Tags.Contains(ReadyTag));
        app.MapHealthChecks(
                HealthPath,
                new HealthCheckOptions
                {
                    Predicate = check => !Volatile.Read(ref hasBeenReady) || check.Tags.Contains(ReadyTag),
                    ResponseWriter = (context, report) =>
                    {
                        if (report.Status == HealthStatus.Healthy)
                        {
                            Volatile.Write(ref hasBeenReady, true);
                        }

                        return WriteStatusAsync(context, report);
                    },
                }
            )
            .AllowAnonymous()
            .DisableHttpMetrics();

        app.MapHealthChecks(
                AlivePath,
                new HealthCheckOptions { Predicate = check => check.Tags.Contains(LiveTag), ResponseWriter = WriteStatusAsync }
            )
            .AllowAnonymous()
            .DisableHttpMetrics();
        return app;
    }

    private static Task WriteStatusAsync(HttpContext context, HealthReport report)
    {
        context.Response.ContentType = "text/plain";
        return context.Response.WriteAsync(report.Status.ToString());
    }

    /// <summary>Probes have no span. Neither has a request that becomes a WebSocket: it would last as long as its socket.</summary>
    private static bool IsWorthASpan(HttpContext context)
    {
        var path = context.Request.Path;
        var becomesASocket =
            context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }
            || context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true };
        return !becomesASocket && !path.StartsWithSegments(HealthPath) && !path.StartsWithSegments(AlivePath);
    }

    /// <summary>
    /// The standard handler limits an attempt to 10 s and a call to 30 s. A model that streams its answer may need longer to
    /// begin. So a request that accepts an event stream has retries but no time-out; the caller's cancellation ends it.
    /// </summary>
    private static void LetStreamsRun(HttpStandardResilienceOptions options)
    {
        options.AttemptTimeout.TimeoutGenerator = LimitOf(options.AttemptTimeout);
        options.TotalRequestTimeout.TimeoutGenerator = LimitOf(options.TotalRequestTimeout);

        static Func<TimeoutGeneratorArguments, ValueTask<TimeSpan>> LimitOf(HttpTimeoutStrategyOptions timeout) =>
            call => ValueTask.FromResult(AcceptsEventStream(call.Context.GetRequestMessage()) ? Timeout.InfiniteTimeSpan : timeout.Timeout);

        static bool AcceptsEventStream(HttpRequestMessage? request) =>
            request?.Headers.Accept.Any(accepted => accepted.MediaType == "text/event-stream") == true;
    }
}
