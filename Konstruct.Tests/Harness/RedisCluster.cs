using System.Globalization;
using StackExchange.Redis;

namespace Konstruct.Tests.Harness;

/// <summary>Makes a Redis Cluster of servers that run already, as <c>redis-cli --cluster create</c> does, without replicas.</summary>
internal static class RedisCluster
{
    private const int Slots = 16384;

    /// <summary>What a node is started with beyond what any server is. The bus port would be the port plus 10,000, which need not exist.</summary>
    public static string[] Options() => ["--cluster-enabled", "yes", "--cluster-port", $"{Loopback.FreePort()}", "--cluster-node-timeout", "15000"];

    /// <summary>Deals out the slots, introduces the nodes to each other, and waits until each of them would serve every key.</summary>
    public static async Task FormAsync(int[] ports, string password)
    {
        var nodes = await Task.WhenAll(
            ports.Select(port => ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{port},password={password},allowAdmin=true"))
        );
        try
        {
            for (var i = 0; i < nodes.Length; i++)
            {
                await ExecuteAsync(nodes[i], "ADDSLOTSRANGE", Text(Slots * i / nodes.Length), Text((Slots * (i + 1) / nodes.Length) - 1));
                await ExecuteAsync(nodes[i], "SET-CONFIG-EPOCH", Text(i + 1));
            }

            foreach (var node in nodes[1..])
            {
                await ExecuteAsync(nodes[0], "MEET", "127.0.0.1", Text(PortOf(node)), Text(await BusPortAsync(node)));
            }

            foreach (var node in nodes)
            {
                await Until.TrueAsync(
                    async () =>
                        $"{await ExecuteAsync(node, "INFO")}" is var info
                        && info.Contains("cluster_state:ok", StringComparison.Ordinal)
                        && info.Contains($"cluster_known_nodes:{nodes.Length}", StringComparison.Ordinal),
                    TimeSpan.FromSeconds(30),
                    "the nodes of the cluster know each other"
                );
            }
        }
        finally
        {
            foreach (var node in nodes)
            {
                await node.DisposeAsync();
            }
        }
    }

    private static int PortOf(ConnectionMultiplexer node) => ((System.Net.IPEndPoint)node.GetEndPoints()[0]).Port;

    private static async Task<int> BusPortAsync(ConnectionMultiplexer node)
    {
        var value = (RedisResult[])(await node.GetServers()[0].ExecuteAsync("CONFIG", "GET", "cluster-port"))!;
        return int.Parse($"{value[1]}", CultureInfo.InvariantCulture);
    }

    private static Task<RedisResult> ExecuteAsync(ConnectionMultiplexer node, params object[] arguments) =>
        node.GetServers()[0].ExecuteAsync("CLUSTER", arguments);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
