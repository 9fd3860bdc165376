using System.Globalization;

namespace Konstruct.AppHost.Standalone;

/// <summary>What the command line asked for.</summary>
internal sealed record RunnerOptions
{
    public const string HelpText = """
        Runs aspire-manifest.json on this machine, without Aspire and without containers.

          dotnet run --project Konstruct.AppHost -- [options]

          --without NAME           leave a service, or a replica (gateway-2), out, for running it from an IDE; may be repeated
          --env NAME               print the environment of a service of the running application, and end: NAME=value
                                   lines, as an IDE's launch configuration takes them from an envFile
          --port NAME=PORT         the port of a service (0: a free one); else its launch settings' or a free one
          --Replicas N             run N gateways and N orchestrators, 1 to 10; clients reach them by one port, in turn.
                                   The environment variable Replicas does the same
          --dashboard on|off|PORT  the Aspire dashboard, on port 18888; on unless told otherwise
          --Parameters:NAME=VALUE  the value of a parameter; the environment variable Parameters__NAME does the same
          --reset                  say what the application keeps, delete it (data, generated passwords, logs), and end
          --state DIR              where data, passwords and logs are kept: .konstruct beside the manifest
          --manifest FILE          another manifest
          --help                   this text

        Ctrl+C stops everything in order, a second Ctrl+C at once. NO_COLOR=1 takes the colours away.
        """;

    public const int DashboardPort = 18888;

    private const int MostReplicas = 10;

    public bool Help { get; private set; }
    public bool Reset { get; private set; }

    /// <summary>The service whose environment to print.</summary>
    public string? PrintEnvironmentOf { get; private set; }

    /// <summary>The dashboard's port; null for no dashboard.</summary>
    public int? Dashboard { get; private set; } = DashboardPort;

    public string? Manifest { get; private set; }

    public string? State { get; private set; }

    /// <summary>How many processes run for each service, 1 to 10. The AppHost with Aspire reads the same setting.</summary>
    public int Replicas { get; private set; } = 1;

    public HashSet<string> Without { get; } = [];

    public Dictionary<string, int> Ports { get; } = [];

    public Dictionary<string, string> Parameters { get; } = [];

    /// <param name="arguments">The command line, which wins.</param>
    /// <param name="environment">Reads an environment variable.</param>
    /// <exception cref="CannotRunException">An option is unknown or its value is none.</exception>
    public static RunnerOptions Parse(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        var options = new RunnerOptions();
        if (environment("Replicas") is { Length: > 0 } replicas)
            options.Replicas = Count(replicas);
        var rest = new Queue<string>(arguments);
        while (rest.TryDequeue(out var argument))
        {
            switch (argument)
            {
                case "--help" or "-h" or "-?": options.Help = true; break;
                case "--reset": options.Reset = true; break;
                case "--env": options.PrintEnvironmentOf = Value(); break;
                case "--without": options.Without.Add(Value()); break;
                case "--dashboard": options.Dashboard = Value() switch { "off" => null, "on" => DashboardPort, var port => Port(port) }; break;
                case "--manifest": options.Manifest = Path.GetFullPath(Value()); break;
                case "--state": options.State = Path.GetFullPath(Value()); break;
                case "--Replicas": options.Replicas = Count(Value()); break;
                case ['-', '-', 'R', 'e', 'p', 'l', 'i', 'c', 'a', 's', '=', .. var count]: options.Replicas = Count(count); break;
                case "--port": options.AddPort(Value()); break;
                case ['-', '-', 'P', 'a', 'r', 'a', 'm', 'e', 't', 'e', 'r', 's', ':', .. var pair]:
                    var (name, value) = Pair(argument, pair);
                    options.Parameters[name] = value;
                    break;
                default: throw new CannotRunException($"Unknown option '{argument}'; what there is: dotnet run --project Konstruct.AppHost -- --help");
            }

            string Value() => rest.TryDequeue(out var next) ? next : throw new CannotRunException($"A value is missing after {argument}.");
        }
        return options;
    }

    private void AddPort(string text)
    {
        var (name, port) = Pair("--port", text);
        Ports[name] = port is "0" ? 0 : Port(port);
    }

    private static (string Name, string Value) Pair(string option, string text) => text.IndexOf('=', StringComparison.Ordinal) is > 0 and var at
        ? (text[..at], text[(at + 1)..])
        : throw new CannotRunException($"{option} takes NAME=VALUE, not '{text}'.");

    private static int Count(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= MostReplicas
        ? count
        : throw new CannotRunException($"Replicas is '{text}'; it can be a number from 1 to {MostReplicas}.");

    private static int Port(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535
        ? port
        : throw new CannotRunException($"'{text}' is no port: a port is a number from 1 to 65535.");
}
