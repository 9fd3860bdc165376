using System.CommandLine;
using System.Globalization;
using Konstruct.Load.Measure;

namespace Konstruct.Load.Growth;

/// <summary>The results of <c>bench/growth</c> as tables, and the unit costs as JSON.</summary>
internal static class GrowthTable
{
    private const string Gateway = "v2";

    /// <summary>Tokens a second of a conversation in <c>chunks-N</c>.</summary>
    private const double Rate = 5;
    private static readonly string[] Servers = ["floor", Gateway];
    private static readonly Argument<string> Folder = new("folder") { Description = "Where bench/growth left the results." };
    private static readonly Option<string?> Units = new("--units") { Description = "A file that gets the unit costs as JSON." };
    private static readonly Option<string> Source = OptionOf.Text("--source", "bench/growth", "What the file says of where they were measured.");

    /// <summary>The command <c>growth</c>.</summary>
    public static Command Command()
    {
        var command = new Command("growth", "Prints the results of bench/growth, and writes the unit costs for bench/sizing.cs.")
        {
            Folder,
            Units,
            Source,
        };
        command.SetAction(given =>
        {
            var results = new Results(given.GetRequiredValue(Folder));
            var units = UnitCosts.Of(results, given.GetRequiredValue(Source));
            Print(results, units, Console.Out);
            if (given.GetValue(Units) is { } file)
            {
                units.Write(file);
            }
        });
        return command;
    }

    private static void Print(Results results, UnitCosts units, TextWriter to)
    {
        Chunks(results, to);
        Sockets(results, to);
        Turns(results, to);
        Gateways(results, to);
        if (units.Units.Count > 0)
        {
            to.WriteLine("| unit cost | value |\n|---|---|");
            foreach (var (name, value) in units.Units)
            {
                to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {value} |"));
            }
        }
    }

    private static void Chunks(Results results, TextWriter to)
    {
        var sizes = results.SizesOf("chunks");
        if (sizes.Count == 0)
        {
            return;
        }

        Header(to, "conversations of 5 tokens/s", sizes.Select(Number));
        foreach (var server in Servers.Where(results.Has))
        {
            Row("CPU-s per 100,000 chunks", "F2", outcome => Results.Server(outcome)?.SteadyPer100K);
            if (results.Idle(server)?.EmptyCpuPercent is { } empty)
            {
                // Few conversations share the timers of the process, which run without any.
                Row(
                    "… less the empty process's",
                    "F2",
                    outcome => Results.Server(outcome)?.SteadyPer100K - (empty / 100 / (outcome.Conversations * Rate) * 100_000)
                );
            }

            Row("added delay p50, ms", "F2", outcome => outcome.Delay.P50);
            Row("added delay p99, ms", "F1", outcome => outcome.Delay.P99);

            void Row(string name, string format, Func<Outcome, double?> of) =>
                Line(to, $"{server}: {name}", format, sizes.Select(size => results.Median($"chunks-{size}", server, of)));
        }

        to.WriteLine();
    }

    private static void Sockets(Results results, TextWriter to)
    {
        var measured = Servers.Select(server => (server, idle: results.Idle(server))).Where(each => each.idle is not null).ToArray();
        if (measured.Length == 0)
        {
            return;
        }

        Header(to, "silent sockets", measured[0].idle!.Steps.Select(step => Number(step.Sockets)).Prepend("0"));
        foreach (var (server, idle) in measured)
        {
            Line(to, $"{server}: memory, MB", "F0", idle!.Steps.Select(step => (double?)step.ResidentKb / 1024).Prepend(idle.EmptyKb / 1024.0));
            Line(to, $"{server}: KB each", "F1", idle.Steps.Select(step => (double?)step.KbEach).Prepend(null));
            Line(to, $"{server}: CPU, % of a core", "F2", idle.Steps.Select(step => step.CpuPercent).Prepend(idle.EmptyCpuPercent));
        }

        to.WriteLine();
    }

    private static void Turns(Results results, TextWriter to)
    {
        var sizes = results.SizesOf("turns");
        if (sizes.Count == 0)
        {
            return;
        }

        Header(to, "tokens of a turn", sizes.Select(Number));
        PerTurn("gateway: CPU-ms", "F2", outcome => Results.Cpu(outcome, "server") * 1000);
        PerTurn("PostgreSQL: CPU-ms", "F2", outcome => Results.Cpu(outcome, "postgres") * 1000);
        PerTurn("Redis: CPU-ms", "F2", outcome => Results.Cpu(outcome, "redis") * 1000);
        PerTurn("WAL, KB", "F1", outcome => Kb(outcome, reading => reading.WalBytes));
        PerTurn("tables, KB", "F1", outcome => Kb(outcome, reading => reading.TableBytes));
        PerTurn("indexes, KB", "F1", outcome => Kb(outcome, reading => reading.IndexBytes));
        PerTurn("Redis, KB of an ended turn", "F1", outcome => Kb(outcome, reading => reading.RedisBytes));
        Row("running", "Redis, KB of a running turn", "F1", outcome => Running(outcome) / 1024 / outcome.Conversations);
        Row("running", "… with so many chunks", "F0", outcome => (double?)outcome.Stores?.Streaming?.Chunks / outcome.Conversations);
        PerTurn("PostgreSQL, GB per million turns", "F2", outcome => Kb(outcome, reading => reading.TableBytes + reading.IndexBytes) * 1.024);
        to.WriteLine();

        void PerTurn(string name, string format, Func<Outcome, double?> total) =>
            Row("turns", name, format, outcome => total(outcome) / outcome.Done);

        void Row(string scenario, string name, string format, Func<Outcome, double?> of) =>
            Line(to, name, format, sizes.Select(size => results.Median($"{scenario}-{size}", Gateway, of)));
    }

    private static void Gateways(Results results, TextWriter to)
    {
        var sizes = results.SizesOf("gateways");
        if (sizes.Count == 0)
        {
            return;
        }

        Header(to, "gateways", sizes.Select(Number));
        Row("gateways", "chunks per CPU-second", outcome => outcome.Chunks / Results.Cpu(outcome, "server"));
        Row("saturated", "chunks per CPU-second, saturated", outcome => outcome.Chunks / Results.Cpu(outcome, "server"));
        Row("saturated", "chunks a second, saturated", outcome => outcome.ChunksPerSecond);
        to.WriteLine();

        void Row(string scenario, string name, Func<Outcome, double?> of) =>
            Line(to, name, "F0", sizes.Select(size => results.Median($"{scenario}-{size}", Gateway, of)));
    }

    private static double? Running(Outcome outcome) =>
        outcome.Stores is { Streaming: { } streaming } stores ? streaming.RedisBytes - stores.Before.RedisBytes : null;

    private static double? Kb(Outcome outcome, Func<StoreReading, long> of) => Results.Grown(outcome, of) / 1024;

    private static string Number(int number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static void Header(TextWriter to, string first, IEnumerable<string> others)
    {
        string[] columns = [first, .. others];
        to.WriteLine($"| {string.Join(" | ", columns)} |");
        to.WriteLine($"|{string.Concat(columns.Select(_ => "---|"))}");
    }

    private static void Line(TextWriter to, string name, string format, IEnumerable<double?> values) =>
        to.WriteLine($"| {name} | {string.Join(" | ", values.Select(value => value?.ToString(format, CultureInfo.InvariantCulture) ?? "–"))} |");
}
