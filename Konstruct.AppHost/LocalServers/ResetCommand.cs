using Microsoft.Extensions.DependencyInjection;

namespace Konstruct.AppHost.LocalServers;

/// <summary>Deletes the data that a local server keeps between runs.</summary>
internal static class ResetCommand
{
    /// <summary>The resource that creates the schema; it must run again for an empty PostgreSQL.</summary>
    private const string SchemaStep = "schema";

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);

    /// <summary>Adds the command <c>reset-data</c>, which stops the server, deletes its folder and starts it again.</summary>
    /// <param name="server">The server.</param>
    /// <param name="folder">The server's data folder.</param>
    public static IResourceBuilder<T> WithResetCommand<T>(this IResourceBuilder<T> server, string folder)
        where T : LocalServerResource =>
        server.WithCommand(
            "reset-data",
            "Reset data",
            context => ResetAsync(server.Resource, folder, context),
            new CommandOptions
            {
                Description = $"Stops {server.Resource.Name}, deletes {folder}, and starts it again, empty.",
                ConfirmationMessage = $"Delete everything in {folder}? This cannot be undone.",
                IconName = "Delete",
            }
        );

    private static async Task<ExecuteCommandResult> ResetAsync(LocalServerResource server, string folder, ExecuteCommandContext context)
    {
        var commands = context.Services.GetRequiredService<ResourceCommandService>();
        var states = context.Services.GetRequiredService<ResourceNotificationService>();
        if (IsRunning(states, server.Name))
        {
            var stopped = await commands.ExecuteCommandAsync(server, KnownResourceCommands.StopCommand, context.CancellationToken);
            if (!stopped.Success)
            {
                return stopped;
            }
        }

        await states
            .WaitForResourceAsync(server.Name, KnownResourceStates.TerminalStates, context.CancellationToken)
            .WaitAsync(StopLimit, context.CancellationToken);
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        var started = await commands.ExecuteCommandAsync(server, KnownResourceCommands.StartCommand, context.CancellationToken);
        if (started.Success && server is LocalPostgresResource)
        {
            started = await commands.ExecuteCommandAsync(SchemaStep, KnownResourceCommands.RestartCommand, context.CancellationToken);
        }

        return started.Success ? CommandResults.Success($"{server.Name} starts again, with nothing in {folder}.") : started;
    }

    private static bool IsRunning(ResourceNotificationService states, string name) =>
        states.TryGetCurrentState(name, out var current)
        && current.Snapshot.State?.Text is var state
        && !KnownResourceStates.TerminalStates.Contains(state);
}
