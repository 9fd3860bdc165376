using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Konstruct.Tests.Harness;
using Microsoft.Extensions.DependencyInjection;

namespace Konstruct.Tests.Aspire;

/// <summary>
/// The real AppHost, run by Aspire's testing package with local stores, in a data folder of its own and on free ports: an application that a developer has
/// running beside the tests is not touched.
/// </summary>
internal sealed class TestedAppHost : IServer, IAsyncDisposable
{
    /// <summary>PostgreSQL may have to be fetched first.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly DistributedApplication _app;

    private TestedAppHost(DistributedApplication app) => _app = app;

    /// <summary>The gateway, behind Aspire's proxy: the same port whichever replica answers and however often one is restarted.</summary>
    public int Port => _app.GetEndpoint("gateway", "http").Port;

    private ResourceCommandService Commands => _app.Services.GetRequiredService<ResourceCommandService>();

    /// <param name="data">What <c>Hosting:Data</c> is.</param>
    /// <param name="arguments">Further arguments of the AppHost.</param>
    public static async Task<TestedAppHost> StartAsync(string data, params string[] arguments)
    {
        var builder = await DistributedApplicationTestingBuilder
            .CreateAsync<Projects.Konstruct_AppHost>(["--Hosting:Stores=local", $"--Hosting:Data={data}", .. arguments])
            .WaitAsync(Limit);
        var app = new TestedAppHost(await builder.BuildAsync().WaitAsync(Limit));
        try
        {
            await app._app.StartAsync().WaitAsync(Limit);
            await app.WaitUntilHealthyAsync("gateway");
            await app.WaitUntilHealthyAsync("orchestrator");
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    public Task WaitUntilHealthyAsync(string resource) => _app.ResourceNotifications.WaitForResourceHealthyAsync(resource).WaitAsync(Limit);

    /// <summary>A resource's connection string, as its clients get it.</summary>
    public async Task<string> ConnectionStringAsync(string resource) => (await _app.GetConnectionStringAsync(resource))!;

    /// <summary>The names of the variables that a resource was started with.</summary>
    public async Task<HashSet<string>> VariablesOfAsync(string resource)
    {
        var started = await _app
            .ResourceNotifications.WaitForResourceAsync(resource, state => !state.Snapshot.EnvironmentVariables.IsDefaultOrEmpty)
            .WaitAsync(Limit);
        return started.Snapshot.EnvironmentVariables.Select(variable => variable.Name).ToHashSet();
    }

    /// <summary>The links that the dashboard shows for a resource: their text and address.</summary>
    public async Task<Dictionary<string, Uri>> LinksOfAsync(string resource)
    {
        var started = await _app
            .ResourceNotifications.WaitForResourceAsync(resource, state => state.Snapshot.Urls.Any(url => !url.IsInactive))
            .WaitAsync(Limit);
        return started.Snapshot.Urls.ToDictionary(url => url.DisplayProperties.DisplayName, url => new Uri(url.Url));
    }

    /// <summary>How many replicas a resource has.</summary>
    public int InstancesOf(string resource) => Model(resource).GetReplicaCount();

    public ResourceCommandAnnotation CommandOf(string resource, string command) =>
        Model(resource).Annotations.OfType<ResourceCommandAnnotation>().Single(annotation => annotation.Name == command);

    /// <summary>Runs a command on one instance of a resource, as the dashboard does.</summary>
    /// <param name="resource">Whose command.</param>
    /// <param name="command">Its name.</param>
    /// <param name="arguments">Names and values.</param>
    public async Task<ExecuteCommandResult> ExecuteAsync(string resource, string command, params (string Name, string Value)[] arguments)
    {
        var inputs = arguments
            .Select(argument => new InteractionInput
            {
                Name = argument.Name,
                InputType = InputType.Text,
                Value = argument.Value,
            })
            .ToList();
        var instance = await _app.ResourceNotifications.WaitForResourceAsync(resource, _ => true).WaitAsync(Limit);
        return await Commands.ExecuteCommandAsync(instance.ResourceId, command, new(inputs), CancellationToken.None).WaitAsync(Limit);
    }

    /// <summary>Stops all instances of a resource, waits until they have ended, and starts them again.</summary>
    public async Task RestartAsync(string resource)
    {
        await Commands.ExecuteCommandAsync(Model(resource), KnownResourceCommands.StopCommand).WaitAsync(Limit);
        await _app.ResourceNotifications.WaitForResourceAsync(resource, KnownResourceStates.TerminalStates).WaitAsync(Limit);
        await Commands.ExecuteCommandAsync(Model(resource), KnownResourceCommands.StartCommand).WaitAsync(Limit);
        await WaitUntilHealthyAsync(resource);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private IResource Model(string resource) =>
        _app.Services.GetRequiredService<DistributedApplicationModel>().Resources.Single(known => known.Name == resource);
}
