using Aspire.Hosting.Pipelines;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Konstruct.AppHost.Hosting;

/// <summary>Extensions that keep AppHost.cs short.</summary>
internal static class ModelExtensions
{
    /// <summary>Adds a volume in run mode only: azd would turn it into a file share, which cannot hold PostgreSQL's data.</summary>
    public static IResourceBuilder<PostgresServerResource> KeepDataBetweenRuns(this IResourceBuilder<PostgresServerResource> postgres) =>
        postgres.ApplicationBuilder.ExecutionContext.IsRunMode ? postgres.WithDataVolume() : postgres;

    /// <summary>Adds a secret that is generated once, and kept in the user secrets locally or by the platform in a deployment.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The parameter's name.</param>
    /// <param name="length">Number of characters: 22 have 131 bits; 64 are the bytes that HS512 requires of a key.</param>
    public static IResourceBuilder<ParameterResource> AddGeneratedSecret(this IDistributedApplicationBuilder builder, string name, int length = 22) =>
        // No special characters, because passwords go into two kinds of connection strings.
        builder.AddParameter(name, new GenerateParameterDefault { MinLength = length, Special = false }, secret: true, persist: true);

    /// <summary>Adds the gateway's connection: the role that the schema step creates, with a generated password.</summary>
    public static IResourceBuilder<ConnectionStringResource> AddServingConnection(
        this IDistributedApplicationBuilder builder,
        string name,
        EndpointReference postgres,
        string database
    )
    {
        var password = builder.AddGeneratedSecret("konstruct-gateway-password");
        return builder.AddConnectionString(
            name,
            ReferenceExpression.Create(
                $"Host={postgres.Property(EndpointProperty.Host)};Port={postgres.Property(EndpointProperty.Port)};Username=konstruct_gateway;Password={password};Database={database}"
            )
        );
    }

    /// <summary>
    /// Removes the launch profile's port, so that it is free for the project when it runs alone, or for the resource with the project's name.
    /// </summary>
    public static IResourceBuilder<ProjectResource> OnAnyPort(this IResourceBuilder<ProjectResource> project) =>
        project.WithEndpoint("http", endpoint => endpoint.Port = null, createIfNotExists: false);

    /// <summary>Sets the port; null: the one in the launch profile.</summary>
    public static IResourceBuilder<ProjectResource> OnPort(this IResourceBuilder<ProjectResource> project, int? port) =>
        port is null ? project : project.WithEndpoint("http", endpoint => endpoint.Port = port, createIfNotExists: false);

    /// <summary>Readiness at <c>/health</c>, liveness at <c>/alive</c>.</summary>
    public static IResourceBuilder<ProjectResource> WithProbes(this IResourceBuilder<ProjectResource> project) =>
        project.WithHttpProbe(ProbeType.Readiness, "/health").WithHttpProbe(ProbeType.Liveness, "/alive");

    /// <summary>
    /// Passes the AppHost's <c>Auth:Mode</c> to the gateway: <c>Jwt</c> makes a gateway in Development require tokens. Not part of the manifest.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithAuthMode(this IResourceBuilder<ProjectResource> gateway) =>
        gateway.ApplicationBuilder is { ExecutionContext.IsRunMode: true } application
        && application.Configuration["Auth:Mode"] is { Length: > 0 } mode
            ? gateway.WithEnvironment("Auth__Mode", mode)
            : gateway;

    /// <summary>
    /// Passes the AppHost's section <c>Dispatch</c> to the gateway, such as <c>--Dispatch:Queue=celery</c>, and the connection string
    /// <c>celery</c> of a broker that is not the application's Redis. Part of the manifest where set.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithDispatch(this IResourceBuilder<ProjectResource> gateway)
    {
        var configuration = gateway.ApplicationBuilder.Configuration;
        foreach (var (key, value) in configuration.GetSection("Dispatch").AsEnumerable().Where(setting => setting.Value is { Length: > 0 }))
        {
            gateway.WithEnvironment(key.Replace(":", "__", StringComparison.Ordinal), value);
        }

        return configuration.GetConnectionString("celery") is { Length: > 0 }
            ? gateway.WithReference(gateway.ApplicationBuilder.AddConnectionString("celery"))
            : gateway;
    }

    /// <summary>Links the dashboard to the gateway, and the gateway's page to the traces in the dashboard.</summary>
    public static IResourceBuilder<ProjectResource> WithLinks(this IResourceBuilder<ProjectResource> gateway)
    {
        // A Release build of the gateway, like a published one, has neither page.
#if DEBUG
        gateway
            .WithUrlForEndpoint("http", url => url.DisplayText = "Chat")
            .WithUrlForEndpoint("http", _ => new() { Url = "/scalar", DisplayText = "API" });
#endif
        gateway
            .WithUrlForEndpoint("http", _ => new() { Url = "/openapi/v1.json", DisplayText = "API document" })
            .WithUrlForEndpoint("http", _ => new() { Url = "/health", DisplayText = "Health" });
        return
            gateway.ApplicationBuilder is { ExecutionContext.IsRunMode: true } application
            && application.Configuration["ASPNETCORE_URLS"]?.Split(';')[0] is { Length: > 0 } dashboard
            ? gateway.WithEnvironment("Page__DashboardUrl", dashboard)
            : gateway;
    }

    /// <summary>
    /// Makes <c>aspire publish</c> write aspire-manifest.json, by default the committed file (<c>--output-path</c>). Without
    /// a compute environment in the model Aspire would publish nothing and report success.
    /// </summary>
    public static void PublishTheManifest(this IDistributedApplicationBuilder builder)
    {
        builder.Services.PostConfigure<PipelineOptions>(options =>
            options.OutputPath ??= Path.Combine(builder.AppHostDirectory, "..", "aspire-manifest.json")
        );
        builder.Pipeline.AddStep("manifest", _ => Task.CompletedTask, dependsOn: "publish-manifest", requiredBy: WellKnownPipelineSteps.Publish);
    }
}
