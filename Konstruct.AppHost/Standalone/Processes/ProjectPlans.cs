using Konstruct.AppHost.Standalone.Manifests;

namespace Konstruct.AppHost.Standalone.Processes;

/// <summary>Runs the manifest's projects from their build output, as on a developer's machine: Development, http, loopback only.</summary>
/// <param name="manifest">Whose projects.</param>
/// <param name="ports">Where they listen.</param>
/// <param name="resolver">Gives the expressions in their arguments and variables their values.</param>
/// <param name="otlpEndpoint">Where somebody takes telemetry, or null: an exporter that talks to nobody delays the stop.</param>
internal sealed class ProjectPlans(Manifest manifest, PortPlan ports, Resolver resolver, Func<string?> otlpEndpoint)
{
    /// <summary>Where the dashboard is, for the link of the gateway's page to a trace; null: there is none.</summary>
    public string? DashboardUrl { get; init; }

    /// <summary>What the manifest says for a deployment behind a proxy, and what else could decide where a service listens.</summary>
    private static readonly string[] ForDeployment =
        ["HTTP_PORTS", "HTTPS_PORTS", "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_HTTPS_PORTS", "ASPNETCORE_FORWARDEDHEADERS_ENABLED"];

    /// <param name="name">The resource.</param>
    /// <param name="instance">The process of it: its name, or a replica's.</param>
    /// <param name="project">The resource.</param>
    /// <param name="assembly">Its build.</param>
    public ProcessPlan For(string name, string instance, ManifestResource project, string assembly)
    {
        var url = ports.HttpOfInstance(instance).Url;
        return new(instance, name, Role.Service, url, resolver.ProcessesBehind(name),
            () => WithHook(EnvironmentOf(name, url)),
            () => new(ProjectOutput.Dotnet, [assembly, .. project.Args.Select(resolver.Resolve)]) { WorkingDirectory = FolderOf(project) },
            new Uri($"{url}/health"));
    }

    /// <summary>The variables that a service runs with, in an IDE as well as here.</summary>
    /// <param name="name">The resource.</param>
    /// <param name="url">Where it listens: its own address, or a replica's.</param>
    public Dictionary<string, string?> EnvironmentOf(string name, string url)
    {
        var project = manifest[name];
        var environment = new Dictionary<string, string?>();
        foreach (var (variable, value) in LaunchSettings.Of(Path.Combine(manifest.Folder, project.Path!)).Environment)
            environment[variable] = value;
        foreach (var (variable, value) in project.Env)
            environment[variable] = resolver.Resolve(value);
        foreach (var variable in ForDeployment)
            environment[variable] = null;
        environment["ASPNETCORE_ENVIRONMENT"] = environment["DOTNET_ENVIRONMENT"] = "Development";
        environment["ASPNETCORE_URLS"] = url;
        AddTelemetry(environment, name);
        return environment;
    }

    /// <summary>The variables of every service, and of every replica, by name.</summary>
    public Dictionary<string, Dictionary<string, string?>> Environments(int replicas) => manifest.Resources
        .Where(resource => resource.Value.IsProject)
        .SelectMany(resource => manifest.InstancesOf(resource.Key, replicas)
            .Select(instance => (Name: instance, Environment: EnvironmentOf(resource.Key, ports.HttpOfInstance(instance).Url)))
            .Prepend((Name: resource.Key, Environment: EnvironmentOf(resource.Key, ports.HttpOf(resource.Key).Url))))
        .DistinctBy(service => service.Name)
        .ToDictionary(service => service.Name, service => service.Environment);

    private void AddTelemetry(Dictionary<string, string?> environment, string name)
    {
        environment["OTEL_SERVICE_NAME"] = name;
        environment["OTEL_RESOURCE_ATTRIBUTES"] = $"service.instance.id={Guid.NewGuid().ToString("N")[..8]}";
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = otlpEndpoint();
        environment["Page__DashboardUrl"] = DashboardUrl;
        environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc";
        // Milliseconds. Whoever looks at the dashboard wants to see a chat at once; and should the dashboard be gone, the stop does not wait for it.
        environment["OTEL_BSP_SCHEDULE_DELAY"] = environment["OTEL_BLRP_SCHEDULE_DELAY"] = environment["OTEL_METRIC_EXPORT_INTERVAL"] = "1000";
        environment["OTEL_EXPORTER_OTLP_TIMEOUT"] = "2000";
    }

    private static Dictionary<string, string?> WithHook(Dictionary<string, string?> environment)
    {
        const string Hooks = "DOTNET_STARTUP_HOOKS";
        environment[Hooks] = string.Join(Path.PathSeparator,
            ((string?[])[Environment.GetEnvironmentVariable(Hooks), typeof(StartupHook).Assembly.Location]).Where(hook => hook is { Length: > 0 }));
        return environment;
    }

    private string FolderOf(ManifestResource project) => Path.GetDirectoryName(Path.GetFullPath(Path.Combine(manifest.Folder, project.Path!)))!;
}
