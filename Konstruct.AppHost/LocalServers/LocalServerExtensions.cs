using Konstruct.AppHost.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Konstruct.AppHost.LocalServers;

/// <summary>Redis and PostgreSQL without containers.</summary>
internal static class LocalServerExtensions
{
    /// <summary>Adds Garnet, from NuGet.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The resource's name, which services use.</param>
    /// <param name="data">The folder with a data folder per server.</param>
    public static IResourceBuilder<LocalRedisResource> AddLocalRedis(this IDistributedApplicationBuilder builder, string name, string data)
    {
        var password = builder.AddGeneratedSecret($"{name}-password");
        string? connectionString = null;
        builder.Services.AddHealthChecks().AddRedis(_ => connectionString ?? throw NoAddress(name), $"{name}_check");
        return builder
            .AddLocalServer(new LocalRedisResource(name, builder.AppHostDirectory, password.Resource), "redis", data)
            .WithEnvironment("KONSTRUCT_REDIS_PASSWORD", password)
            .WithIconName("DatabaseLightning")
            .OnConnectionStringAvailable(async (server, _, stop) => connectionString = await server.ConnectionStringExpression.GetValueAsync(stop))
            .WithHealthCheck($"{name}_check");
    }

    /// <summary>Adds an installed PostgreSQL, or the one from npm.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="data">The folder with a data folder per server.</param>
    public static IResourceBuilder<LocalPostgresResource> AddLocalPostgres(this IDistributedApplicationBuilder builder, string name, string data)
    {
        var password = builder.AddGeneratedSecret($"{name}-password");
        string? connectionString = null;
        builder.Services.AddHealthChecks().AddNpgSql(_ => connectionString ?? throw NoAddress(name), name: $"{name}_check");
        return builder
            .AddLocalServer(new LocalPostgresResource(name, builder.AppHostDirectory, password.Resource), "postgres", data)
            .WithEnvironment("KONSTRUCT_POSTGRES_PASSWORD", password)
            .WithIconName("DatabaseMultiple")
            .OnConnectionStringAvailable(
                async (server, _, stop) => connectionString = $"{await server.ConnectionStringExpression.GetValueAsync(stop)};Database=postgres"
            )
            .WithHealthCheck($"{name}_check");
    }

    /// <summary>Adds the owner's connection to a database, which the schema step creates if it is missing. Its state follows the server's.</summary>
    public static IResourceBuilder<LocalDatabaseResource> AddDatabase(
        this IResourceBuilder<LocalPostgresResource> server,
        string name,
        string database
    )
    {
        var resource = server
            .ApplicationBuilder.AddResource(new LocalDatabaseResource(name, database, server.Resource))
            .WithInitialState(
                new()
                {
                    ResourceType = "Database",
                    State = KnownResourceStates.Waiting,
                    Properties = [],
                }
            )
            .WithIconName("Database")
            .ExcludeFromManifest();
        server
            .OnResourceReady((_, ready, _) => ShowAsync(ready.Services, KnownResourceStates.Running))
            .OnResourceStopped((_, stopped, _) => ShowAsync(stopped.Services, KnownResourceStates.Exited));
        return resource;

        Task ShowAsync(IServiceProvider services, string state) =>
            services
                .GetRequiredService<ResourceNotificationService>()
                .PublishUpdateAsync(resource.Resource, snapshot => snapshot with { State = state });
    }

    private static IResourceBuilder<T> AddLocalServer<T>(this IDistributedApplicationBuilder builder, T server, string kind, string data)
        where T : LocalServerResource
    {
        var folder = Path.Combine(data, server.Name);
        var packages = Path.Combine(Path.GetDirectoryName(builder.AppHostDirectory)!, ".konstruct", "packages"); // Fetched once, wherever the data is.
        return builder
            .AddResource(server)
            .WithEndpoint(scheme: "tcp", name: LocalServerResource.EndpointName)
            .WithArgs(
                BuiltProgram.Dll(builder, "Konstruct.LocalServers"),
                kind,
                "--port",
                server.Endpoint.Property(EndpointProperty.TargetPort),
                "--data",
                folder
            )
            .WithArgs("--packages", packages)
            .StopTheApplicationWhenItCannotStart()
            .WithResetCommand(folder)
            .ExcludeFromManifest();
    }

    private static DistributedApplicationException NoAddress(string name) => new($"{name} has no address yet.");
}
