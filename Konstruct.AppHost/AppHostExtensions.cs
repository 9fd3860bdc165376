using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Konstruct.AppHost;

/// <summary>What AppHost.cs says in a word and Aspire in several.</summary>
internal static class AppHostExtensions
{
    /// <summary>How long <c>docker info</c> may take: a daemon that hangs is no container runtime.</summary>
    private static readonly TimeSpan RuntimePatience = TimeSpan.FromSeconds(3);

    /// <summary>Whether <c>Hosting:Stores</c> is <c>managed</c>: Redis and Postgres are there already, here or where the application is deployed.</summary>
    public static bool StoresAreManaged(this IDistributedApplicationBuilder builder) => builder.StoresSetting() is "managed";

    /// <summary>
    /// Whether Redis and Postgres are containers: always when publishing, else as <c>Hosting:Stores</c> says
    /// (<c>containers</c>, <c>local</c>; <c>auto</c>, the default, looks for a container runtime that answers).
    /// </summary>
    public static bool StoresAreContainers(this IDistributedApplicationBuilder builder) =>
        builder.ExecutionContext.IsPublishMode || builder.StoresSetting() switch
        {
            "containers" => true,
            "local" => false,
            null or "" or "auto" => Answers("docker") || Answers("podman"),
            var other => throw new DistributedApplicationException($"Hosting:Stores is '{other}'; it can be auto, containers, local or managed."),
        };

    /// <summary>
    /// How many gateways and how many orchestrators run on this machine: <c>Replicas</c>, 1 to 10, default 1. Aspire's proxy balances; the runner without Aspire
    /// has an option of the same name. No part of the manifest: where the application is deployed, the platform decides.
    /// </summary>
    public static int Replicas(this IDistributedApplicationBuilder builder) => builder.Configuration["Replicas"] switch
    {
        null or "" => 1,
        var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= 10 => count,
        var text => throw new DistributedApplicationException($"Replicas is '{text}'; it can be a number from 1 to 10."),
    };

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

    /// <summary>Leaves the port of the launch profile to whoever runs the project alone, or as the resource that is named after it.</summary>
    public static IResourceBuilder<ProjectResource> OnAnyPort(this IResourceBuilder<ProjectResource> project) =>
        project.WithEndpoint("http", endpoint => endpoint.Port = null, createIfNotExists: false);

    /// <summary>Where the gateway's page finds the trace of a turn: on this machine, where the dashboard listens. No part of the manifest.</summary>
    public static IResourceBuilder<ProjectResource> WithDashboardLink(this IResourceBuilder<ProjectResource> gateway) =>
        gateway.ApplicationBuilder is { ExecutionContext.IsRunMode: true } application
        && application.Configuration["ASPNETCORE_URLS"]?.Split(';')[0] is { Length: > 0 } dashboard
            ? gateway.WithEnvironment("Page__DashboardUrl", dashboard)
            : gateway;

    /// <summary>The stub's scenarios, to be started from the gateway's row in the dashboard. Commands exist where the model runs, not in what is published.</summary>
    public static IResourceBuilder<ProjectResource> WithScenarioCommands(this IResourceBuilder<ProjectResource> gateway)
    {
        foreach (var scenario in Scenario.All)
        {
            gateway.WithCommand(
                $"scenario-{scenario.Name}",
                scenario.DisplayName,
                async context =>
                {
                    var (accepted, sentence) = await scenario.StartAsync(new Uri(gateway.GetEndpoint("http").Url), context.CancellationToken);
                    return accepted ? CommandResults.Success(sentence) : CommandResults.Failure(sentence);
                },
                new CommandOptions
                {
                    Description = $"Sends \"{scenario.Text}\" as the user that Development knows.",
                    IconName = "Chat",
                    UpdateState = context => context.ResourceSnapshot.HealthStatus is HealthStatus.Healthy ? ResourceCommandState.Enabled : ResourceCommandState.Disabled,
                });
        }

        return gateway;
    }

    /// <summary>Redis without a container: Garnet, a compatible server that comes from NuGet.</summary>
    public static IResourceBuilder<LocalServerResource> AddLocalRedis(this IDistributedApplicationBuilder builder, string name)
    {
        var password = builder.AddGeneratedSecret($"{name}-password");
        builder.Services.AddHealthChecks().AddRedis(services => services.ConnectionStringOf(name), $"{name}_check");
        return builder.AddLocalServer(name, "redis", server => ReferenceExpression.Create($"{server.HostAndPort},password={password}"))
            .WithEnvironment("KONSTRUCT_REDIS_PASSWORD", password);
    }

    /// <summary>PostgreSQL without a container: one that is installed here, or else the one that npm has.</summary>
    public static IResourceBuilder<LocalServerResource> AddLocalPostgres(this IDistributedApplicationBuilder builder, string name)
    {
        var password = builder.AddGeneratedSecret($"{name}-password");
        builder.Services.AddHealthChecks().AddNpgSql(services => services.ConnectionStringOf(name), name: $"{name}_check");
        return builder.AddLocalServer(name, "postgres", server => ReferenceExpression.Create($"Host={server.Host};Port={server.Port};Username=postgres;Password={password}"))
            .WithEnvironment("KONSTRUCT_POSTGRES_PASSWORD", password);
    }

    /// <summary>The owner's connection to a database, which the schema step makes where it is missing.</summary>
    public static IResourceBuilder<ConnectionStringResource> AddDatabase(this IResourceBuilder<LocalServerResource> server, string name, string database) =>
        server.ApplicationBuilder.AddConnectionString(name, ReferenceExpression.Create($"{server};Database={database}")).WaitFor(server);

    private static IResourceBuilder<LocalServerResource> AddLocalServer(
        this IDistributedApplicationBuilder builder, string name, string kind, Func<LocalServerResource, ReferenceExpression> connectionString)
    {
        // From its own output folder, bin/<configuration>/<framework> like this one's: beside the AppHost it would find other versions of its libraries.
        var output = AppContext.BaseDirectory[AppContext.BaseDirectory.LastIndexOf($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}", StringComparison.Ordinal)..];
        var program = Path.GetFullPath($"{builder.AppHostDirectory}/../Konstruct.LocalServers{output}Konstruct.LocalServers.dll");
        var data = Path.GetFullPath(Path.Combine(builder.AppHostDirectory, "..", ".konstruct", $"aspire-{name}"));

        var server = new LocalServerResource(name, builder.AppHostDirectory, connectionString);
        return builder.AddResource(server)
            .WithEndpoint(scheme: "tcp", name: "tcp")
            .WithArgs(program, kind, "--port", server.GetEndpoint("tcp").Property(EndpointProperty.TargetPort), "--data", data)
            .WithHealthCheck($"{name}_check")
            .OnConnectionStringAvailable(async (_, _, stop) => server.ConnectionString = await connectionString(server).GetValueAsync(stop))
            .ExcludeFromManifest();
    }

    private static string? StoresSetting(this IDistributedApplicationBuilder builder) => builder.Configuration["Hosting:Stores"]?.ToLowerInvariant();

    private static string ConnectionStringOf(this IServiceProvider services, string name) =>
        services.GetRequiredService<DistributedApplicationModel>().Resources.OfType<LocalServerResource>().Single(server => server.Name == name).ConnectionString
            ?? throw new DistributedApplicationException($"{name} has no address yet.");

    private static bool Answers(string runtime)
    {
        try
        {
            using var info = Process.Start(new ProcessStartInfo(runtime, "info") { RedirectStandardOutput = true, RedirectStandardError = true })!;
            // Read and dropped: an answer longer than the pipe would otherwise block the one who gives it.
            info.OutputDataReceived += (_, _) => { };
            info.ErrorDataReceived += (_, _) => { };
            info.BeginOutputReadLine();
            info.BeginErrorReadLine();
            if (info.WaitForExit(RuntimePatience))
                return info.ExitCode == 0;
            info.Kill(entireProcessTree: true);
            return false;
        }
        catch (Win32Exception)
        {
            return false; // There is no such program.
        }
    }
}

/// <summary>A server of Konstruct.LocalServers in the place of a container: the same endpoint and connection string.</summary>
internal sealed class LocalServerResource(string name, string workingDirectory, Func<LocalServerResource, ReferenceExpression> connectionString)
    : ExecutableResource(name, "dotnet", workingDirectory), IResourceWithConnectionString
{
    /// <summary>Known once the endpoint has been allocated; what the health check connects with.</summary>
    public string? ConnectionString { get; set; }

    public ReferenceExpression ConnectionStringExpression => connectionString(this);

    public EndpointReferenceExpression Host => this.GetEndpoint("tcp").Property(EndpointProperty.Host);

    public EndpointReferenceExpression Port => this.GetEndpoint("tcp").Property(EndpointProperty.Port);

    public EndpointReferenceExpression HostAndPort => this.GetEndpoint("tcp").Property(EndpointProperty.HostAndPort);
}
