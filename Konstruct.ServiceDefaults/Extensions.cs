using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
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

/// <summary>What every service of the application has: telemetry, health, service discovery and resilient HTTP clients.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>Readiness: whether traffic should come here.</summary>
    public const string HealthPath = "/health";

    /// <summary>Liveness: whether the process should be left running.</summary>
    public const string AlivePath = "/alive";

    /// <summary>A health check with this tag counts for <see cref="AlivePath"/>.</summary>
    public const string LiveTag = "live";

    /// <summary>A health check with this tag counts for <see cref="HealthPath"/> for as long as the process lives.</summary>
    public const string ReadyTag = "ready";

    /// <summary>How long a health check may take that does not say so itself.</summary>
    private static readonly TimeSpan CheckLimit = TimeSpan.FromSeconds(2);

    /// <summary>The path of the chat sockets: a request there lasts as long as its socket, so it is no span; each turn is one.</summary>
    private const string ChatSocketPath = "/chat/ws";

    /// <summary>Adds settings from files, telemetry, health checks, service discovery and resilience to a service.</summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
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
    /// Sends logs, metrics and traces to the collector that <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> names, and nowhere without it:
    /// an exporter that nobody listens to delays every shutdown by ten seconds. What only a collector would look at is not made then, either: lines formatted
    /// once more and a span for each query were a seventh of what a turn costs. The application's own spans are, since others' hang beneath them.
    /// </summary>
    public static TBuilder ConfigureOpenTelemetry<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
        // Redis work shows as our own operations (claim, append, finish), the same with Aspire's client and without it: a span
        // for every command would be several for every token. Queries are traced below, where somebody collects.
        builder.Configuration["Aspire:StackExchange:Redis:DisableTracing"] = "true";
        builder.Configuration["Aspire:Npgsql:EntityFrameworkCore:PostgreSQL:DisableTracing"] = "true";

        // Ctrl+C ends the dashboard together with the services, and Aspire lets exporters retry: each kept its process for ten seconds.
        if (builder.Environment.IsDevelopment())
            builder.Configuration["OTEL_EXPORTER_OTLP_TIMEOUT"] ??= "1000";

        // Event ids are what alerts on logs are made of; the exporter leaves them out unless told.
        builder.Configuration["OTEL_DOTNET_EXPERIMENTAL_OTLP_EMIT_EVENT_LOG_ATTRIBUTES"] ??= "true";

        var telemetry = builder.Services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .AddMeter("Konstruct.*", "Npgsql"))
            .WithTracing(tracing => tracing
                .AddAspNetCoreInstrumentation(options => options.Filter = IsWorthASpan)
                .AddHttpClientInstrumentation()
                .AddSource("Konstruct.*"));

        // Above: what there is to see. Here: where it goes, and what is worth making only then.
        if (!string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        {
            telemetry
                .WithLogging(null, logging =>
                {
                    logging.IncludeFormattedMessage = true;
                    logging.IncludeScopes = true;
                })
                .WithTracing(tracing => tracing.AddSource("Npgsql").AddProcessor(new NoLoneQueries()))
                .UseOtlpExporter();
        }

        return builder;
    }

    /// <summary>Adds the check that the process answers at all, and gives every check, whoever adds it, two seconds.</summary>
    public static TBuilder AddDefaultHealthChecks<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
        // A context that retries what failed takes a minute to say that its database is not there; probes give up long before.
        builder.Services.PostConfigure<HealthCheckServiceOptions>(options =>
        {
            foreach (var check in options.Registrations.Where(check => check.Timeout == Timeout.InfiniteTimeSpan))
                check.Timeout = CheckLimit;
        });
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), [LiveTag]);
        return builder;
    }

    /// <summary>
    /// Maps <see cref="AlivePath"/> and <see cref="HealthPath"/> in every environment, for platforms that probe without credentials;
    /// both answer with the bare status, 200 or 503.
    /// </summary>
    /// <remarks>
    /// A service that has a check tagged <see cref="ReadyTag"/> is ready when that says so. Any other is ready once every check has passed, the
    /// stores' included, and from then on: a store that goes away later would otherwise take all replicas out at once, and their sockets with them.
    /// </remarks>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        var registered = app.Services.GetRequiredService<IOptions<HealthCheckServiceOptions>>().Value.Registrations;
        var hasBeenReady = registered.Any(check => check.Tags.Contains(ReadyTag));
        app.MapHealthChecks(HealthPath, new HealthCheckOptions
        {
            Predicate = check => !Volatile.Read(ref hasBeenReady) || check.Tags.Contains(ReadyTag),
            ResponseWriter = (context, report) =>
            {
                if (report.Status == HealthStatus.Healthy)
                    Volatile.Write(ref hasBeenReady, true);
                return WriteStatusAsync(context, report);
            },
        }).AllowAnonymous().DisableHttpMetrics();

        app.MapHealthChecks(AlivePath, new HealthCheckOptions
        {
            Predicate = check => check.Tags.Contains(LiveTag),
            ResponseWriter = WriteStatusAsync,
        }).AllowAnonymous().DisableHttpMetrics();
        return app;
    }

    private static Task WriteStatusAsync(HttpContext context, HealthReport report)
    {
        context.Response.ContentType = "text/plain";
        return context.Response.WriteAsync(report.Status.ToString());
    }

    private static bool IsWorthASpan(HttpContext context)
    {
        var path = context.Request.Path;
        return !path.StartsWithSegments(HealthPath) && !path.StartsWithSegments(AlivePath) && !path.StartsWithSegments(ChatSocketPath);
    }

    /// <summary>
    /// The standard handler gives an attempt 10 s and a call 30 s. A model that streams its answer may take longer than both to begin,
    /// so a request that accepts an event stream is retried but not timed; its caller's cancellation ends it.
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
