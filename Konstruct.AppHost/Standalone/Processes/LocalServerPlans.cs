using System.Diagnostics;
using Konstruct.AppHost.Standalone.Manifests;

namespace Konstruct.AppHost.Standalone.Processes;

/// <summary>Puts Konstruct.LocalServers in the place of container images, and starts the dashboard with it.</summary>
/// <param name="assembly">Konstruct.LocalServers.dll.</param>
/// <param name="state">Where the servers keep their data.</param>
internal sealed class LocalServerPlans(string assembly, StateFolder state)
{
    public const string DashboardName = "dashboard";

    /// <exception cref="CannotRunException">No local server stands for the image, or it cannot be run as the manifest wants it.</exception>
    public ProcessPlan For(string name, ManifestResource container, Manifest manifest, PortPlan ports, Resolver resolver)
    {
        var (server, passwordFrom, passwordTo) = ImageName(container.Image!) switch
        {
            "redis" or "valkey" or "garnet" => ("redis", $"{ImageName(container.Image!).ToUpperInvariant()}_PASSWORD", "KONSTRUCT_REDIS_PASSWORD"),
            "postgres" => ("postgres", "POSTGRES_PASSWORD", "KONSTRUCT_POSTGRES_PASSWORD"),
            _ => throw new CannotRunException($"Resource '{name}' is the image {container.Image}, which needs a container runtime: without one there are redis and postgres only."),
        };
        if (!container.Env.TryGetValue(passwordFrom, out var password))
            throw manifest.Broken($"container '{name}' has no {passwordFrom} in its env");
        if (container.Bindings.Count != 1)
            throw manifest.Broken($"container '{name}' has {container.Bindings.Count} bindings, not one");
        var endpoint = ports[name, container.Bindings.Keys.Single()];
        return new(name, name, Role.Store, endpoint.Url, new HashSet<string>(),
            () => new Dictionary<string, string?> { [passwordTo] = resolver.Resolve(password) },
            () => Start(server, endpoint.Port, state.DataOf(name)), Health: null);
    }

    public ProcessPlan Dashboard(int port, int otlpPort) =>
        new(DashboardName, DashboardName, Role.Dashboard, $"http://localhost:{port}", new HashSet<string>(),
            () => new Dictionary<string, string?>(),
            () => Start("dashboard", port, state.DataOf(DashboardName), "--otlp-port", $"{otlpPort}"), Health: null);

    /// <summary>Deals connections out to the replicas of a project, whose port it takes.</summary>
    public ProcessPlan Balancer(string name, Endpoint endpoint, IEnumerable<Endpoint> replicas) =>
        new(name, name, Role.Balancer, endpoint.Url, new HashSet<string>(),
            () => new Dictionary<string, string?>(),
            () => new(ProjectOutput.Dotnet,
                [assembly, "balancer", "--port", $"{endpoint.Port}", "--to", string.Join(',', replicas.Select(replica => replica.Port)), "--stop-with-stdin"]),
            Health: null);

    private ProcessStartInfo Start(string server, int port, string data, params string[] more) =>
        new(ProjectOutput.Dotnet, [assembly, server, "--port", $"{port}", "--data", data, "--packages", state.Packages, "--stop-with-stdin", .. more]);

    /// <summary>The image without registry, owner, tag and digest.</summary>
    private static string ImageName(string image) => image.Split('@')[0].Split('/')[^1].Split(':')[0];
}
