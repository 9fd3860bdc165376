using System.Globalization;
using System.Net;
using System.Text.Json;
using Konstruct.Tests.Harness;
using Konstruct.Tests.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Konstruct.Tests.Observability;

/// <summary>
/// A real Prometheus with the rules of deploy/observability. It scrapes the metrics that a pipeline exports to the tests, every second, where a collector
/// would serve them.
/// </summary>
internal sealed class PrometheusServer : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _http;
    private readonly WebApplication _exporter;
    private LoggedProcess? _process;

    private PrometheusServer(OtlpReceiver receiver, int port)
    {
        _http = new(new SocketsHttpHandler { UseProxy = false })
        {
            BaseAddress = new($"http://127.0.0.1:{port}/api/v1/"),
            Timeout = TimeSpan.FromSeconds(30),
        };
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _exporter = builder.Build();
        _exporter.MapGet("/metrics", () => Results.Text(PrometheusText.Of(receiver.LatestExports), "text/plain; version=0.0.4"));
    }

    public static async Task<PrometheusServer> StartAsync(OtlpReceiver receiver)
    {
        var program = Requirement.Prometheus.Require();
        var port = Loopback.FreePort();
        var server = new PrometheusServer(receiver, port);
        try
        {
            await server._exporter.StartAsync();
            var configuration = (await File.ReadAllTextAsync(Path.Combine(Dashboard.Folder, "prometheus.yaml")))
                .Replace("collector:8889", new Uri(server._exporter.Urls.Single()).Authority, StringComparison.Ordinal)
                .Replace("- alerts.yaml", $"- {Path.Combine(Dashboard.Folder, "alerts.yaml")}", StringComparison.Ordinal)
                .Replace("scrape_interval: 15s", "scrape_interval: 1s", StringComparison.Ordinal)
                .Replace("evaluation_interval: 15s", "evaluation_interval: 1s", StringComparison.Ordinal);
            var file = Path.Combine(server._folder.Path, "prometheus.yaml");
            await File.WriteAllTextAsync(file, configuration);
            server._process = new LoggedProcess(
                "prometheus",
                [
                    program,
                    $"--config.file={file}",
                    $"--storage.tsdb.path={Path.Combine(server._folder.Path, "data")}",
                    $"--web.listen-address=127.0.0.1:{port}",
                ]
            );
            await server._process.WaitAsync(server.IsUpAsync);
            return server;
        }
        catch (InvalidOperationException exception) when (server._process is { HasExited: false })
        {
            var targets = await server.GetAsync("targets");
            await server.DisposeAsync();
            throw new InvalidOperationException($"The metrics cannot be scraped: {targets}", exception);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>The result of an instant query. Fails with Prometheus's words if it refuses the expression.</summary>
    public async Task<IReadOnlyList<JsonElement>> QueryAsync(string expression)
    {
        var answer = await GetAsync($"query?query={Uri.EscapeDataString(expression)}");
        return answer.GetProperty("resultType").GetString() == "vector" ? [.. answer.GetProperty("result").EnumerateArray()] : [answer];
    }

    /// <summary>The labels of each series that a selector matches.</summary>
    public async Task<IReadOnlyList<HashSet<string>>> SeriesAsync(string selector)
    {
        var answer = await GetAsync($"series?match[]={Uri.EscapeDataString(selector)}");
        return [.. answer.EnumerateArray().Select(series => series.EnumerateObject().Select(label => label.Name).ToHashSet())];
    }

    /// <summary>Each rule's name, health, state and last error, after its first evaluation.</summary>
    public async Task<IReadOnlyList<(string Name, string Health, string State, string Error)>> RulesAsync()
    {
        var answer = await GetAsync("rules");
        return
        [
            .. answer
                .GetProperty("groups")
                .EnumerateArray()
                .SelectMany(group => group.GetProperty("rules").EnumerateArray())
                .Select(rule =>
                    (
                        rule.GetProperty("name").GetString()!,
                        rule.GetProperty("health").GetString()!,
                        rule.GetProperty("state").GetString()!,
                        rule.TryGetProperty("lastError", out var error) ? error.GetString()! : ""
                    )
                ),
        ];
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        await _exporter.DisposeAsync();
        _http.Dispose();
        _folder.Dispose();
    }

    private async Task<bool> IsUpAsync()
    {
        try
        {
            return (await QueryAsync("up == 1")).Count > 0;
        }
        catch (HttpRequestException exception) when (exception.StatusCode is null or HttpStatusCode.ServiceUnavailable)
        {
            return false; // Not listening, or not ready yet.
        }
    }

    private async Task<JsonElement> GetAsync(string path)
    {
        using var response = await _http.GetAsync(new Uri(path, UriKind.Relative));
        var text = await response.Content.ReadAsStringAsync();
        if (response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity)
        {
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{Uri.UnescapeDataString(path)}: {text}"));
        }

        response.EnsureSuccessStatusCode();
        return JsonDocument.Parse(text).RootElement.GetProperty("data");
    }
}
