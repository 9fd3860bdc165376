using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Konstruct.Tests.Harness;
using Konstruct.Tests.Telemetry.Otlp;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Konstruct.Tests.Telemetry;

/// <summary>A collector inside the test: gRPC, as the services' real exporters speak it. Keeps what comes.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly ConcurrentQueue<SeenSpan> _spans = new();
    private readonly ConcurrentQueue<SeenLog> _logs = new();
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly ConcurrentDictionary<(string Service, string Name), Metric> _metrics = new();
    private readonly ConcurrentDictionary<Resource, IReadOnlyList<Metric>> _exports = new();

    private OtlpReceiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        _server = builder.Build();
        _server.MapGrpcService<Traces>();
        _server.MapGrpcService<Metrics>();
        _server.MapGrpcService<Logs>();
    }

    /// <summary>Every span that came, in no order.</summary>
    public IReadOnlyCollection<SeenSpan> Spans => [.. _spans];

    public IReadOnlyCollection<SeenLog> LogRecords => [.. _logs];

    /// <summary>Each metric as its service reported it last.</summary>
    public IReadOnlyDictionary<(string Service, string Name), Metric> LatestMetrics => _metrics.ToDictionary();

    /// <summary>The last export of each process: all its metrics, with what it says of itself.</summary>
    public IReadOnlyDictionary<Resource, IReadOnlyList<Metric>> LatestExports => _exports.ToDictionary();

    /// <summary>All that came, as the bytes that came, read as text: for what must not be there.</summary>
    public IReadOnlyCollection<string> Requests => [.. _requests];

    /// <summary>What makes a service export to it, soon.</summary>
    public Dictionary<string, string> Settings =>
        new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = _server.Urls.Single(),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
            ["OTEL_BLRP_SCHEDULE_DELAY"] = "100",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
            ["OTEL_EXPORTER_OTLP_TIMEOUT"] = "10000", // A second, as in Development, is short on a machine that runs other tests.
            ["NO_PROXY"] = "127.0.0.1",
        };

    public static async Task<OtlpReceiver> StartAsync()
    {
        var receiver = new OtlpReceiver();
        await receiver._server.StartAsync();
        return receiver;
    }

    /// <summary>The spans of a trace, once it holds what is expected.</summary>
    public Task<IReadOnlyList<SeenSpan>> TraceAsync(Func<IReadOnlyList<SeenSpan>, bool> isWhole, Func<SeenSpan, bool> isRoot, string what) =>
        Until.NotNullAsync(
            () =>
            {
                IReadOnlyList<SeenSpan>? trace = Spans.FirstOrDefault(isRoot) is { TraceId: var id }
                    ? [.. Spans.Where(span => span.TraceId == id)]
                    : null;
                return Task.FromResult(trace is not null && isWhole(trace) ? trace : null);
            },
            TimeSpan.FromSeconds(45),
            what
        );

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static string ServiceOf(Resource resource) =>
        resource.Attributes.FirstOrDefault(attribute => attribute.Key == "service.name")?.Value.StringValue ?? "";

    private sealed class Traces(OtlpReceiver receiver) : TraceService.TraceServiceBase
    {
        public override Task<ExportTraceResponse> Export(ExportTraceRequest request, ServerCallContext context)
        {
            receiver._requests.Enqueue(request.ToByteString().ToStringUtf8());
            foreach (var resource in request.ResourceSpans)
            {
                foreach (var scope in resource.ScopeSpans)
                {
                    foreach (var span in scope.Spans)
                    {
                        receiver._spans.Enqueue(SeenSpan.Of(ServiceOf(resource.Resource), scope.Scope.Name, span));
                    }
                }
            }

            return Task.FromResult(new ExportTraceResponse());
        }
    }

    private sealed class Metrics(OtlpReceiver receiver) : MetricsService.MetricsServiceBase
    {
        public override Task<ExportMetricsResponse> Export(ExportMetricsRequest request, ServerCallContext context)
        {
            receiver._requests.Enqueue(request.ToByteString().ToStringUtf8());
            foreach (var resource in request.ResourceMetrics)
            {
                receiver._exports[resource.Resource] = [.. resource.ScopeMetrics.SelectMany(scope => scope.Metrics)];
                foreach (var metric in resource.ScopeMetrics.SelectMany(scope => scope.Metrics))
                {
                    receiver._metrics[(ServiceOf(resource.Resource), metric.Name)] = metric;
                }
            }

            return Task.FromResult(new ExportMetricsResponse());
        }
    }

    private sealed class Logs(OtlpReceiver receiver) : LogsService.LogsServiceBase
    {
        public override Task<ExportLogsResponse> Export(ExportLogsRequest request, ServerCallContext context)
        {
            receiver._requests.Enqueue(request.ToByteString().ToStringUtf8());
            foreach (var resource in request.ResourceLogs)
            {
                foreach (var record in resource.ScopeLogs.SelectMany(scope => scope.LogRecords))
                {
                    receiver._logs.Enqueue(SeenLog.Of(ServiceOf(resource.Resource), record));
                }
            }

            return Task.FromResult(new ExportLogsResponse());
        }
    }
}
