namespace Konstruct.Tests.Chaos;

/// <summary>What faults strike, by the names that schedules have.</summary>
internal static class Targets
{
    public const string Redis = "Redis",
        Postgres = "Postgres",
        Clocks = "the clocks of gateway 2 and worker 2";

    public static readonly IReadOnlyList<string> Gateways = ["gateway 1", "gateway 2"];

    public static readonly IReadOnlyList<string> Workers = ["worker 1", "worker 2", "worker 3 (Python)"];

    public static readonly IReadOnlyList<string> Processes = [.. Gateways, .. Workers];

    public static readonly IReadOnlyList<string> ToRedis = [.. Processes.Select(process => $"{process} to Redis")];

    public static readonly IReadOnlyList<string> ToPostgres = [.. Gateways.Select(gateway => $"{gateway} to Postgres")];

    public static readonly IReadOnlyList<string> ToGateways = [.. Gateways.Select(gateway => $"clients to {gateway}")];

    public static readonly IReadOnlyList<string> Links = [.. ToRedis, .. ToPostgres, .. ToGateways];

    /// <summary>Whether a fault there can keep a gateway from reading a log.</summary>
    public static bool IsOnTheWayToRedis(string target) => target == Redis || Gateways.Any(gateway => target == $"{gateway} to Redis");
}
