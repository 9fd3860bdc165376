using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Konstruct.AppHost.Hosting;

/// <summary>Runs the application, or says in a sentence why it cannot run.</summary>
internal static class RunExtensions
{
    /// <summary>Runs until Ctrl+C or SIGTERM.</summary>
    /// <returns>The exit code: 0 after an orderly stop, 1 when the application cannot run.</returns>
    public static async Task<int> RunToEndAsync(this DistributedApplication app)
    {
        var services = app.Services;
        if (services.GetRequiredService<DistributedApplicationExecutionContext>().IsRunMode && TakenPort(services) is { } problem)
        {
            return Problem.Tell(problem);
        }

        await app.RunAsync();
        return Environment.ExitCode;
    }

    /// <summary>Finds a port in use. Aspire would only report it in the log of one resource, and wait.</summary>
    private static string? TakenPort(IServiceProvider services)
    {
        var configuration = services.GetRequiredService<IConfiguration>();
        if (configuration.GetValue<bool>("DcpPublisher:RandomizePorts"))
        {
            return null;
        }

        var dashboard =
            from name in (string[])["ASPNETCORE_URLS", "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"]
            from url in (configuration[name] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries)
            where Uri.TryCreate(url, UriKind.Absolute, out _)
            select (new Uri(url).Port, Advice: $"or set another one in {name} (Properties/launchSettings.json)");
        var resources =
            from resource in services.GetRequiredService<DistributedApplicationModel>().Resources
            from endpoint in resource.Annotations.OfType<EndpointAnnotation>()
            where endpoint.Port is > 0
            select (Port: endpoint.Port!.Value, Advice: $"or choose another one for {resource.Name}, for example with --Port {endpoint.Port + 100}");
        return dashboard
            .Concat(resources)
            .Where(wanted => wanted.Port > 0 && IsTaken(wanted.Port))
            .Select(wanted =>
                $"Port {wanted.Port} is taken by another program, perhaps another run of this application: stop that program, {wanted.Advice}."
            )
            .FirstOrDefault();
    }

    private static bool IsTaken(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
