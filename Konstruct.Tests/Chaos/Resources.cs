using System.Globalization;
using Konstruct.Tests.Harness;
using StackExchange.Redis;

namespace Konstruct.Tests.Chaos;

/// <summary>What the pipeline holds while nobody uses it.</summary>
/// <param name="Counts">By name: descriptors and memory of each process, connections and subscriptions of the stores.</param>
internal sealed record Resources(IReadOnlyDictionary<string, long> Counts)
{
    /// <summary>
    /// How much more there may be than before. Descriptors and connections: pools grow to their size and stay. Memory: the garbage collector
    /// returns it late, and a leak of what each turn or socket needs is far more within a long run.
    /// </summary>
    private static readonly (string What, long More)[] Tolerance =
    [
        ("descriptors", 40),
        ("MB", 150),
        ("connections to Redis", 8),
        ("connections to Postgres", 16),
        ("channels", 0),
    ];

    public static async Task<Resources> ReadAsync(ChaosRig rig)
    {
        var counts = new Dictionary<string, long>();
        foreach (var (name, node) in rig.Nodes)
        {
            if (OperatingSystem.IsLinux())
            {
                counts[$"{name}: descriptors"] = Directory.GetFileSystemEntries($"/proc/{node.Process.Id}/fd").Length;
            }

            counts[$"{name}: MB"] = node.Process.ResidentMegabytes;
        }

        var channels = (RedisResult[])(await rig.Redis.Database.ExecuteAsync("PUBSUB", "CHANNELS"))!;
        counts["Redis: channels"] = channels.Length;
        counts["Redis: connections to Redis"] = ((string)(await rig.Redis.Database.ExecuteAsync("CLIENT", "LIST"))!)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Length;
        counts["Postgres: connections to Postgres"] = await rig.Sql.ScalarAsync<long>(
            $"SELECT count(*) FROM pg_stat_activity WHERE usename = '{PostgresServer.ServingRole}'"
        );
        return new(counts);
    }

    /// <summary>What there is more of than there may be.</summary>
    public IEnumerable<string> Excess(Resources before) =>
        Counts
            .Where(count => count.Value > before.Counts[count.Key] + Tolerance.First(t => count.Key.EndsWith(t.What, StringComparison.Ordinal)).More)
            .Select(count => string.Create(CultureInfo.InvariantCulture, $"{count.Key}: {before.Counts[count.Key]} before, {count.Value} after"));
}
