using System.Globalization;
using Konstruct.Load.Measure;

namespace Konstruct.Load.Compare;

/// <summary>The results of <c>bench/compare</c> side by side: the median of the runs, and its ratio to the floor's.</summary>
internal static class CompareTable
{
    private const string Floor = "floor";
    private const string Stored = "stored";
    private const string Filled = "filled";
    private static readonly string[] Scenarios = ["paced", "crowd", "bursts", "flood", "turns", "start200", "start1000"];
    private static readonly string[] Order = [Floor, Stored, "signalr", "node", "v2", "v1", "other", Filled];

    private static readonly (string Name, string Format, Func<Outcome, double?> Of)[] Rows =
    [
        ("CPU-s per 100,000 chunks", "F2", outcome => Results.Server(outcome)?.Per100K),
        ("… while all stream", "F2", outcome => Results.Server(outcome)?.SteadyPer100K),
        ("CPU-ms per turn", "F2", outcome => outcome.Done > 0 ? Results.Server(outcome)?.Seconds * 1000 / outcome.Done : null),
        ("first chunk p50, ms", "F1", outcome => outcome.FirstChunk.P50),
        ("first chunk p99, ms", "F1", outcome => outcome.FirstChunk.P99),
        ("added delay p50, ms", "F2", outcome => outcome.Delay.P50),
        ("added delay p99, ms", "F1", outcome => outcome.Delay.P99),
        ("chunks a second", "F0", outcome => outcome.ChunksPerSecond),
        ("frame, bytes", "F0", outcome => outcome.FrameBytes),
        ("text in it, bytes", "F0", outcome => outcome.TextBytes),
        ("missing + duplicated + hung", "F0", outcome => outcome.Missing + outcome.Duplicated + outcome.Corrupt + outcome.Hung + outcome.Cut),
        ("generator, % of its core", "F0", outcome => outcome.GeneratorShare * 100),
    ];

    public static int Print(string folder, TextWriter to)
    {
        var results = new Results(folder);
        var servers = Order.Where(results.Has).ToArray();
        to.WriteLine($"| | | {string.Join(" | ", servers)} |");
        to.WriteLine($"|---|---|{string.Concat(servers.Select(_ => "---|"))}");
        foreach (var scenario in Scenarios.Where(results.HasScenario))
        {
            foreach (var (name, format, of) in Rows.Where(row => Belongs(scenario, row.Name)))
            {
                Row(to, scenario, name, format, [.. servers.Select(server => results.Median(scenario, server, of))], servers);
            }
        }

        Idle(to, servers, results.Idle);
        return 0;
    }

    private static bool Belongs(string scenario, string row) =>
        scenario switch
        {
            "flood" => !row.Contains("delay", StringComparison.Ordinal)
                && !row.Contains("bytes", StringComparison.Ordinal)
                && !row.StartsWith('…')
                && !row.Contains("turn", StringComparison.Ordinal),
            "turns" => row.Contains("turn", StringComparison.Ordinal)
                || row.Contains("first", StringComparison.Ordinal)
                || row.Contains("missing", StringComparison.Ordinal),
            "start200" or "start1000" => row.Contains("first", StringComparison.Ordinal) || row.Contains("missing", StringComparison.Ordinal),
            _ => !row.Contains("turn", StringComparison.Ordinal)
                && !row.Contains("a second", StringComparison.Ordinal)
                && (scenario == "paced" || !row.Contains("bytes", StringComparison.Ordinal)),
        };

    private static void Idle(TextWriter to, string[] servers, Func<string, IdleOutcome?> of)
    {
        var all = servers.Select(of).ToArray();
        foreach (var (step, i) in (all.FirstOrDefault(outcome => outcome is not null)?.Steps ?? []).Select((step, i) => (step, i)))
        {
            Row(
                to,
                "idle",
                string.Create(CultureInfo.InvariantCulture, $"KB each of {step.Sockets:N0} sockets"),
                "F1",
                [.. all.Select(outcome => outcome?.Steps[i].KbEach)],
                servers
            );
        }

        if (all.Any(outcome => outcome is not null))
        {
            Row(to, "idle", "empty, MB", "F0", [.. all.Select(outcome => (double?)outcome?.EmptyKb / 1024)], servers);
            Row(to, "idle", "after a burst, of before", "F2", [.. all.Select(outcome => outcome?.AfterBurstRatio)], servers, withRatio: false);
        }
    }

    /// <summary>
    /// Writes each value, followed by its ratio to the floor's; where all begin at once, to that of <c>stored</c>, which commits too. The
    /// filled database is also compared with the empty one.
    /// </summary>
    private static void Row(TextWriter to, string scenario, string name, string format, double?[] values, string[] servers, bool withRatio = true)
    {
        var baseline = scenario.StartsWith("start", StringComparison.Ordinal) ? Stored : Floor;
        var cells = servers.Select(
            (server, i) =>
                values[i] is not { } number ? "–"
                : withRatio && Ratios(server, number) is { Length: > 0 } ratios ? $"{Format(number, format)} ({ratios})"
                : Format(number, format)
        );
        to.WriteLine($"| {scenario} | {name} | {string.Join(" | ", cells)} |");

        string Ratios(string server, double number)
        {
            var toBaseline = server == baseline ? null : RatioTo(baseline, number);
            var toEmpty = server == Filled && RatioTo("v2", number) is { } ratio ? $"{ratio} of v2" : null;
            return string.Join("; ", new[] { toBaseline, toEmpty }.OfType<string>());
        }

        string? RatioTo(string other, double number) =>
            Array.IndexOf(servers, other) is var at and >= 0 && values[at] is { } of and > 0 ? Format(number / of, "F2") : null;
    }

    private static string Format(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);
}
