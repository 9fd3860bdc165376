using Aspire.Hosting.Pipelines;
using Microsoft.Extensions.DependencyInjection;

namespace Konstruct.AppHost.Hosting;

/// <summary>What AppHost.cs says in a word and Aspire in several.</summary>
internal static class ModelExtensions
{
    /// <summary>A volume, on a developer's machine only: the file shares that azd would make of it cannot hold PostgreSQL.</summary>
    public static IResourceBuilder<PostgresServerResource> KeepDataBetweenRuns(this IResourceBuilder<PostgresServerResource> postgres) =>
        postgres.ApplicationBuilder.ExecutionContext.IsRunMode ? postgres.WithDataVolume() : postgres;

    /// <summary>A secret that is generated once: kept in the user secrets here, by the platform where it is deployed.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The parameter's name.</param>
    /// <param name="length">Characters: 22 carry 131 bits; 64 are as many bytes as HS512 requires of a key.</param>
    public static IResourceBuilder<ParameterResource> AddGeneratedSecret(this IDistributedApplicationBuilder builder, string name, int length = 22) =>
        // No special characters: passwords are written into connection strings of two kinds.
        builder.AddParameter(name, new GenerateParameterDefault { MinLength = length, Special = false }, secret: true, persist: true);

    /// <summary>The connection that the gateway serves with: the role that the schema step makes, with a password that is generated here.</summary>
    public static IResourceBuilder<ConnectionStringResource> AddServingConnection(
        this IDistributedApplicationBuilder builder, string name, EndpointReference postgres, string database)
    {
        var password = builder.AddGeneratedSecret("konstruct-gateway-password");
        return builder.AddConnectionString(name, ReferenceExpression.Create(
            $"Host={postgres.Property(EndpointProperty.Host)};Port={postgres.Property(EndpointProperty.Port)};Username=konstruct_gateway;Password={password};Database={database}"));
    }

    /// <summary>Leaves the port of the launch profile to a project that is run alone, or to the resource that is named after it.</summary>
    public static IResourceBuilder<ProjectResource> OnAnyPort(this IResourceBuilder<ProjectResource> project) =>
        project.WithEndpoint("http", endpoint => endpoint.Port = null, createIfNotExists: false);

    /// <summary>Listens on this port instead of the one in the launch profile; null leaves that one.</summary>
    public static IResourceBuilder<ProjectResource> OnPort(this IResourceBuilder<ProjectResource> project, int? port) =>
        port is null ? project : project.WithEndpoint("http", endpoint => endpoint.Port = port, createIfNotExists: false);

    /// <summary>Readiness at <c>/health</c>, liveness at <c>/alive</c>.</summary>
    public static IResourceBuilder<ProjectResource> WithProbes(this IResourceBuilder<ProjectResource> project) =>
        project.WithHttpProbe(ProbeType.Readiness, "/health").WithHttpProbe(ProbeType.Liveness, "/alive");

    /// <summary>Hands <c>Auth:Mode</c> on where the AppHost was given one: <c>Jwt</c> makes a gateway in Development take tokens. Not part of the manifest.</summary>
    public static IResourceBuilder<ProjectResource> WithAuthMode(this IResourceBuilder<ProjectResource> gateway) =>
        gateway.ApplicationBuilder is { ExecutionContext.IsRunMode: true } application && application.Configuration["Auth:Mode"] is { Length: > 0 } mode
            ? gateway.WithEnvironment("Auth__Mode", mode)
            : gateway;

    /// <summary>Links from the dashboard to the gateway, and from the gateway's page to the dashboard, where it shows the trace of a turn.</summary>
    public static IResourceBuilder<ProjectResource> WithLinks(this IResourceBuilder<ProjectResource> gateway)
    {
        gateway
            .WithUrlForEndpoint("http", url => url.DisplayText = "Chat")
            .WithUrlForEndpoint("http", _ => new() { Url = "/openapi/v1.json", DisplayText = "API document" })
            .WithUrlForEndpoint("http", _ => new() { Url = "/health", DisplayText = "Health" });
        return gateway.ApplicationBuilder is { ExecutionContext.IsRunMode: true } application
            && application.Configuration["ASPNETCORE_URLS"]?.Split(';')[0] is { Length: > 0 } dashboard
                ? gateway.WithEnvironment("Page__DashboardUrl", dashboard)
                : gateway;
    }

    /// <summary>
    /// Makes <c>aspire publish</c> write aspire-manifest.json, the committed one unless <c>--output-path</c> names another. Without a compute environment in the
    /// model Aspire publishes nothing, and reports success.
    /// </summary>
    public static void PublishTheManifest(this IDistributedApplicationBuilder builder)
    {
        builder.Services.PostConfigure<PipelineOptions>(options => options.OutputPath ??= Path.Combine(builder.AppHostDirectory, "..", "aspire-manifest.json"));
        builder.Pipeline.AddStep("manifest", _ => Task.CompletedTask, dependsOn: "publish-manifest", requiredBy: WellKnownPipelineSteps.Publish);
    }
}
