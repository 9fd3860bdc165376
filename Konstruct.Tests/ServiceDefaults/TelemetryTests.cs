using System.Collections.Concurrent;
using System.Diagnostics;
using Konstruct.Tests.Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Trace;
using Xunit;

namespace Konstruct.Tests.ServiceDefaults;

public sealed class TelemetryTests : IDisposable
{
    private readonly Spans _spans = new();

    public void Dispose() => _spans.Dispose();

    [Fact]
    public async Task Probes_and_upgrades_have_no_spans_and_other_requests_have()
    {
        int port;
        await using (var service = await StartAsync())
        {
            port = service.Http.BaseAddress!.Port;
            foreach (var path in (string[])["/health", "/alive", "/other"])
            {
                await service.GetAsync(path);
            }

            using var upgrade = new HttpRequestMessage(HttpMethod.Get, "/socket");
            upgrade.Headers.Connection.Add("Upgrade");
            upgrade.Headers.Upgrade.Add(new("websocket"));
            using var answer = await service.Http.SendAsync(upgrade, TestContext.Current.CancellationToken);

            await Until.TrueAsync(() => Task.FromResult(Paths().Any())); // A span ends after its response has left.
        }

        Assert.Equal(["/other"], Paths());

        // Instrumentation sees every server of the process: other tests have theirs.
        IEnumerable<object?> Paths() =>
            _spans
                .OfKind(ActivityKind.Server)
                .Where(span => span.GetTagItem("server.port") is int served && served == port)
                .Select(span => span.GetTagItem("url.path"));
    }

    [Fact]
    public async Task Our_own_sources_are_recorded()
    {
        using var source = new ActivitySource("Konstruct.Tests");
        await using (await StartAsync())
        {
            source.StartActivity("work")!.Dispose();
        }

        Assert.Contains(_spans.OfKind(ActivityKind.Internal), span => span.OperationName == "work");
    }

    /// <summary>Replicas that told no instance were one to a collector, and their counters overwrote each other.</summary>
    [Theory]
    [InlineData(null, null, "Konstruct.Tests", null)]
    [InlineData("gateway", null, "gateway", null)]
    [InlineData("gateway", "service.instance.id=a1,team=chat", "gateway", "a1")]
    [InlineData(null, "team=chat,service.name=portal", "portal", null)]
    public void Each_process_says_which_service_and_instance_it_is(string? name, string? attributes, string service, string? instance)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ApplicationName = "Konstruct.Tests" });
        builder.Configuration["OTEL_SERVICE_NAME"] = name;
        builder.Configuration["OTEL_RESOURCE_ATTRIBUTES"] = attributes;
        Microsoft.Extensions.Hosting.ServiceDefaultsExtensions.ConfigureOpenTelemetry(builder);
        using var services = builder.Services.BuildServiceProvider();

        var resource = services.GetRequiredService<TracerProvider>().GetResource().Attributes.ToDictionary(one => one.Key, one => $"{one.Value}");

        Assert.Equal(service, resource["service.name"]);
        Assert.Equal(instance ?? $"{Environment.MachineName}:{Environment.ProcessId}", resource["service.instance.id"]);
    }

    /// <summary>An exporter that nobody listens to delayed every shutdown by ten seconds.</summary>
    [Theory]
    [InlineData(null, false)]
    [InlineData("http://127.0.0.1:1", true)]
    public void Nothing_is_exported_unless_somebody_is_named_to_listen(string? endpoint, bool exported)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint;
        Microsoft.Extensions.Hosting.ServiceDefaultsExtensions.ConfigureOpenTelemetry(builder);

        Assert.Equal(
            exported,
            builder.Services.Any(service =>
                service.ServiceType.FullName?.Contains("Otlp", StringComparison.Ordinal) == true
                || service.ServiceType == typeof(Microsoft.Extensions.Options.IConfigureOptions<OtlpExporterOptions>)
            )
        );
    }

    /// <summary>Both were made for nobody, and a seventh of what a turn costs.</summary>
    [Theory]
    [InlineData(null, false)]
    [InlineData("http://127.0.0.1:1", true)]
    public async Task Queries_are_spans_and_lines_are_records_only_where_somebody_collects(string? endpoint, bool made)
    {
        var builder = Builder(endpoint);
        builder.Configuration["OTEL_EXPORTER_OTLP_TIMEOUT"] = "100"; // Nobody answers there.
        using ActivitySource work = new("Konstruct.Tests"),
            queries = new("Npgsql");
        var query = $"{Guid.NewGuid()}";
        await using var service = await Service.StartAsync(builder);
        using (work.StartActivity("work"))
        {
            queries.StartActivity(query)?.Dispose();
        }

        Assert.Equal(made, _spans.OfKind(ActivityKind.Internal).Any(span => span.OperationName == query));
        Assert.Equal(made, service.Services.GetServices<ILoggerProvider>().Any());
    }

    /// <summary>Aspire lets exporters retry for ten seconds, and Ctrl+C ends the dashboard first: each service outlived the AppHost by that.</summary>
    [Theory]
    [InlineData("Development", "1000")]
    [InlineData("Production", null)]
    public void A_collector_that_is_gone_does_not_hold_a_developers_shutdown_up(string environment, string? milliseconds)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment });
        Microsoft.Extensions.Hosting.ServiceDefaultsExtensions.ConfigureOpenTelemetry(builder);

        Assert.Equal(milliseconds, builder.Configuration["OTEL_EXPORTER_OTLP_TIMEOUT"]);
    }

    private Task<Service> StartAsync() => Service.StartAsync(Builder(), app => app.MapGet("/{**path}", () => Results.Ok()));

    private WebApplicationBuilder Builder(string? collector = null)
    {
        var builder = Service.Builder(collector);
        builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddProcessor(_spans));
        return builder;
    }

    private sealed class Spans : BaseProcessor<Activity>
    {
        private readonly ConcurrentQueue<Activity> _ended = new();

        public IEnumerable<Activity> OfKind(ActivityKind kind) => _ended.Where(span => span.Kind == kind && span.Recorded);

        public override void OnEnd(Activity data) => _ended.Enqueue(data);
    }
}
