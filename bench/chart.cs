#:package ScottPlot
// Draws a chart from a folder of results: dotnet run bench/chart.cs DIR FILE.svg [KIND]
//   cpu     the CPU cost of a chunk, for each server and scenario, of bench/compare (the default)
//   chunks  the CPU cost of a chunk by the number of conversations, of bench/growth
//   memory  resident memory by the number of silent sockets, of bench/growth
//   idle    the CPU time of silent sockets by their number, of bench/growth
// The value of several runs is their median.
using System.Globalization;
using System.Text.Json;
using ScottPlot;

if (args is not [var folder, var file, .. { Length: <= 1 } rest] || !Directory.Exists(folder))
{
    Console.Error.WriteLine(
        "Usage: dotnet run bench/chart.cs DIR FILE.svg [cpu|chunks|memory|idle], with the folder that bench/compare or bench/growth left."
    );
    return 2;
}

string[] servers = ["floor", "stored", "signalr", "node", "v2", "v1", "other", "filled"];
var plot = new Plot();
var isDrawn = rest.FirstOrDefault("cpu") switch
{
    "cpu" => DrawBars(["paced", "crowd", "bursts"]),
    "chunks" => DrawLines("conversations of 5 tokens/s", "CPU-seconds per 100,000 chunks", ChunkCosts, isLogarithmic: true),
    "memory" => DrawLines("silent sockets", "resident memory, MB", server => Idle(server, "empty_kb", "resident_kb", 1 / 1024.0)),
    "idle" => DrawLines("silent sockets", "CPU, per cent of a core", server => Idle(server, "empty_cpu_percent", "cpu_percent", 1)),
    _ => false,
};
if (!isDrawn)
{
    Console.Error.WriteLine($"{folder} has no results of that kind.");
    return 1;
}

plot.ShowLegend(Edge.Right);
plot.SaveSvg(file, 1000, 420);
Console.WriteLine(file);
return 0;

bool DrawBars(string[] scenarios)
{
    var drawn = servers.Where(server => scenarios.Any(scenario => Median(scenario, server, "per100_k") is not null)).ToArray();
    foreach (var (i, server) in drawn.Index())
    {
        var values = scenarios.Select(scenario => Median(scenario, server, "per100_k") ?? 0).ToArray();
        var bars = plot.Add.Bars(scenarios.Index().Select(scenario => PositionOf(scenario.Index, i)).ToArray(), values);
        bars.LegendText = server;
        foreach (var (bar, value) in bars.Bars.Zip(values))
        {
            bar.ValueLabel = FormattableString.Invariant($"{value:F2}");
        }
    }

    plot.Axes.Bottom.SetTicks(scenarios.Index().Select(scenario => PositionOf(scenario.Index, (drawn.Length - 1) / 2.0)).ToArray(), scenarios);
    plot.Axes.Margins(bottom: 0, top: 0.15);
    plot.YLabel("CPU-seconds per 100,000 chunks");
    plot.HideGrid();
    return drawn.Length > 0;

    double PositionOf(int scenario, double server) => (scenario * (drawn.Length + 1)) + server;
}

// The y axis begins at 0, so that a line that looks flat is flat.
bool DrawLines(string x, string y, Func<string, (double X, double Y)[]> pointsOf, bool isLogarithmic = false)
{
    var lines = servers.Select(server => (server, points: pointsOf(server))).Where(line => line.points.Length > 0).ToArray();
    foreach (var (server, points) in lines)
    {
        var line = plot.Add.Scatter(points.Select(point => PositionOf(point.X)).ToArray(), points.Select(point => point.Y).ToArray());
        (line.LegendText, line.LineWidth, line.MarkerSize) = (server, 2, 8);
    }

    var ticks = lines.SelectMany(line => line.points).Select(point => point.X).Distinct().Order().ToArray();
    plot.Axes.Bottom.SetTicks(ticks.Select(PositionOf).ToArray(), [.. ticks.Select(tick => tick.ToString("N0", CultureInfo.InvariantCulture))]);
    plot.Axes.Margins(bottom: 0, top: 0.15);
    plot.XLabel(x);
    plot.YLabel(y);
    if (lines.Length > 0)
    {
        plot.Axes.SetLimitsY(0, 1.15 * lines.SelectMany(line => line.points).Max(point => point.Y));
    }

    return lines.Length > 0;

    double PositionOf(double value) => isLogarithmic ? Math.Log10(value) : value;
}

(double X, double Y)[] ChunkCosts(string server) =>
    [
        .. from scenario in Directory.GetFiles(folder, $"chunks-*.{server}.*.json").Select(path => Path.GetFileName(path).Split('.')[0]).Distinct()
        let cost = Median(scenario, server, "steady_per100_k")
        where cost is not null
        let size = double.Parse(scenario.Split('-')[1], CultureInfo.InvariantCulture)
        orderby size
        select (size, cost.Value),
    ];

(double X, double Y)[] Idle(string server, string empty, string member, double unit)
{
    if (Directory.GetFiles(folder, $"idle.{server}.*.json") is not [var result, ..])
    {
        return [];
    }

    using var outcome = JsonDocument.Parse(File.ReadAllBytes(result));
    var steps = outcome.RootElement.GetProperty("steps").EnumerateArray().Select(step => (step.GetProperty("sockets").GetDouble(), Of(step, member)));
    return
    [
        .. steps
            .Prepend((0, Of(outcome.RootElement, empty)))
            .Where(point => point.Item2 is not null)
            .Select(point => (point.Item1, point.Item2!.Value * unit)),
    ];
}

// A run that was set aside because a core was slow has a fifth part in its name.
double? Median(string scenario, string server, string member)
{
    var values = Directory
        .GetFiles(folder, $"{scenario}.{server}.*.json")
        .Where(path => Path.GetFileName(path).Split('.').Length == 4)
        .Select(path => Cost(path, member))
        .OfType<double>()
        .Order()
        .ToArray();
    return values.Length == 0 ? null : values[values.Length / 2];
}

static double? Cost(string result, string member)
{
    using var outcome = JsonDocument.Parse(File.ReadAllBytes(result));
    return Of(outcome.RootElement.GetProperty("cpu").EnumerateArray().Single(process => process.GetProperty("name").GetString() == "server"), member);
}

static double? Of(JsonElement from, string member) =>
    from.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;
