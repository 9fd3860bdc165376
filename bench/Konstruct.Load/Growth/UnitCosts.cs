using System.Text.Json;
using System.Text.Json.Serialization;
using Konstruct.Load.Measure;

namespace Konstruct.Load.Growth;

/// <summary>
/// What one turn, one chunk and one socket cost. A turn's share and a chunk's share are told apart by two runs with the same turns: with one
/// chunk each and with many. <c>bench/sizing.cs</c> reads them.
/// </summary>
/// <param name="Source">Where they were measured.</param>
/// <param name="Units">The costs by name; the name says the unit (us: microseconds of CPU time).</param>
internal sealed record UnitCosts(string Source, SortedDictionary<string, double> Units)
{
    /// <summary>The conversations of the run whose CPU per chunk counts, or the nearest size below.</summary>
    private const int UsualConversations = 1000;
    private const string Gateway = "v2";

    public static UnitCosts Of(Results results, string source)
    {
        var costs = new UnitCosts(source, []);
        costs.AddChunk(results);
        costs.AddSockets(results);
        costs.AddShares(results, "redis_us", outcome => Microseconds(outcome, "redis"));
        costs.AddShares(results, "postgres_us", outcome => Microseconds(outcome, "postgres"));
        costs.AddShares(results, "redis_bytes", outcome => Results.Grown(outcome, reading => reading.RedisBytes));
        costs.AddRunning(results);
        costs.AddShares(results, "wal_bytes", outcome => Results.Grown(outcome, reading => reading.WalBytes));
        costs.AddShares(results, "table_bytes", outcome => Results.Grown(outcome, reading => reading.TableBytes));
        costs.AddShares(results, "index_bytes", outcome => Results.Grown(outcome, reading => reading.IndexBytes));
        return costs;
    }

    public void Write(string file) => File.WriteAllText(file, JsonSerializer.Serialize(this, UnitCostsJson.Default.UnitCosts) + "\n");

    private void AddChunk(Results results)
    {
        var size = results.SizesOf("chunks").LastOrDefault(size => size <= UsualConversations);
        if (results.Median($"chunks-{size}", Gateway, outcome => Results.Server(outcome)?.SteadyPer100K) is not { } per100K)
        {
            return;
        }

        Add("gateway_us_per_chunk", per100K * 10);
        if (results.Median("turns-1", Gateway, outcome => Microseconds(outcome, "server") / outcome.Done) is { } perTurn)
        {
            Add("gateway_us_per_turn", perTurn - (per100K * 10));
        }
    }

    private void AddSockets(Results results)
    {
        if (results.Idle(Gateway) is not { } idle)
        {
            return;
        }

        var (first, last) = (idle.Steps[0], idle.Steps[^1]);
        Add("gateway_mb_empty", idle.EmptyKb / 1024.0);
        Add("gateway_kb_per_socket", last.KbEach);
        if (last.Sockets > first.Sockets)
        {
            Add("gateway_kb_per_further_socket", (last.ResidentKb - first.ResidentKb) / (double)(last.Sockets - first.Sockets));
        }

        if (idle.EmptyCpuPercent is { } empty && last.CpuPercent is { } busy)
        {
            Add("gateway_percent_empty", empty);
            Add("gateway_percent_per_1000_sockets", (busy - empty) / last.Sockets * 1000);
        }
    }

    /// <summary>Solves cost = turns × perTurn + chunks × perChunk from the two runs.</summary>
    private void AddShares(Results results, string name, Func<Outcome, double?> total)
    {
        var sizes = results.SizesOf("turns");
        if (sizes.Count < 2)
        {
            return;
        }

        var (few, many) = (sizes[0], sizes[^1]);
        var costOfFew = results.Median($"turns-{few}", Gateway, outcome => total(outcome) / outcome.Done);
        var costOfMany = results.Median($"turns-{many}", Gateway, outcome => total(outcome) / outcome.Done);
        if (costOfFew is { } least && costOfMany is { } most)
        {
            var perChunk = Math.Max(0, (most - least) / (many - few));
            Add($"{name}_per_turn", least - (few * perChunk));
            Add($"{name}_per_chunk", perChunk);
        }
    }

    /// <summary>A running turn has more than its log: the task, the lease and buffers.</summary>
    private void AddRunning(Results results)
    {
        if (
            results.SizesOf("running") is [.., var size]
            && Units.TryGetValue("redis_bytes_per_chunk", out var perChunk)
            && results.Median($"running-{size}", Gateway, outcome => WhileStreaming(outcome, perChunk)) is { } bytes
        )
        {
            Add("redis_bytes_per_running_turn", bytes);
        }
    }

    private static double? WhileStreaming(Outcome outcome, double perChunk) =>
        outcome.Stores is { Streaming: { } streaming } stores
            ? (streaming.RedisBytes - stores.Before.RedisBytes - (streaming.Chunks * perChunk)) / outcome.Conversations
            : null;

    /// <summary>Three significant digits: no measurement has more.</summary>
    private void Add(string name, double value) =>
        Units[name] = value <= 0 ? 0 : Math.Round(value, Math.Clamp(2 - (int)Math.Floor(Math.Log10(value)), 0, 15));

    private static double? Microseconds(Outcome outcome, string process) => Results.Cpu(outcome, process) * 1e6;
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(UnitCosts))]
internal sealed partial class UnitCostsJson : JsonSerializerContext;
