using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Konstruct.AppHost.Hosting;

/// <summary>
/// Prints the application's address when the gateway's <c>/health</c> is ready. Aspire itself polls at intervals that grow to five seconds.
/// </summary>
internal sealed class ReadyLine(EndpointReference gateway, IConfiguration configuration) : BackgroundService
{
    /// <summary>What a browser finds at the gateway's address: only a Debug build has the page.</summary>
#if DEBUG
    private const string Page = "Chat";
#else
    private const string Page = "Gateway";
#endif

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(2) };

    /// <summary>Empty without a dashboard, as in tests.</summary>
    private string Dashboard =>
        (configuration["ASPNETCORE_URLS"]?.Split(';')[0], configuration["AppHost:BrowserToken"]) switch
        {
            (null or "", _) => "",
            (var url, null or "") => $"  Dashboard: {url}",
            var (url, token) => $"  Dashboard: {url}/login?t={token}",
        };

    public override void Dispose()
    {
        base.Dispose();
        _http.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!await IsHealthyAsync(stoppingToken))
        {
            await Task.Delay(Pause, stoppingToken);
        }

        using var process = Process.GetCurrentProcess();
        var seconds = (DateTime.Now - process.StartTime).TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Ready in {seconds:0.0} s. {Page}: {gateway.Url}/{Dashboard}"));
    }

    private async Task<bool> IsHealthyAsync(CancellationToken stop)
    {
        if (!gateway.IsAllocated)
        {
            return false;
        }

        try
        {
            using var response = await _http.GetAsync(new Uri($"{gateway.Url}/health"), stop);
            return response.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException { InnerException: TimeoutException })
        {
            return false; // It does not listen yet.
        }
    }
}

internal static class ReadyLineExtensions
{
    /// <summary>Prints the line once per run.</summary>
    public static IResourceBuilder<ProjectResource> AnnounceWhenReady(this IResourceBuilder<ProjectResource> gateway)
    {
        var builder = gateway.ApplicationBuilder;
        if (builder.ExecutionContext.IsRunMode)
        {
            builder.Services.AddHostedService(services => new ReadyLine(gateway.GetEndpoint("http"), services.GetRequiredService<IConfiguration>()));
        }

        return gateway;
    }
}
