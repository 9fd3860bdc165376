#:package ScottPlot
// Draws the CPU cost of a chunk, for each server and scenario, from a folder of results: dotnet run bench/chart.cs DIR FILE.svg
// DIR is what bench/compare --out leaves. The value of several runs is their median.
using System.Text.Json;
using ScottPlot;

string[] scenarios = ["paced", "crowd", "bursts"];
string[] servers = ["floor", "stored", "signalr", "node", "v2", "v1", "other"];

if (args is not [var folder, var file] || !Directory.Exists(folder))
{
    Console.Error.WriteLine("Usage: dotnet run bench/chart.cs DIR FILE.svg, with the folder that bench/compare --out names.");
    return 2;
}

var drawn = servers.Where(server => scenarios.Any(scenario => Median(scenario, server) is not null)).ToArray();
if (drawn.Length == 0)
{
    Console.Error.WriteLine($"{folder} has no results of {string.Join(", ", scenarios)}.");
    return 1;
}

var plot = new Plot();
foreach (var (i, server) in drawn.Index())
{
    var values = scenarios.Select(scenario => Median(scenario, server) ?? 0).ToArray();
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
plot.ShowLegend(Edge.Right);
plot.HideGrid();
plot.SaveSvg(file, 1000, 420);
Console.WriteLine(file);
return 0;

double PositionOf(int scenario, double server) => (scenario * (drawn.Length + 1)) + server;

double? Median(string scenario, string server)
{
    var values = Directory.GetFiles(folder, $"{scenario}.{server}.*.json").Select(Cost).Order().ToArray();
    return values.Length == 0 ? null : values[values.Length / 2];
}

static double Cost(string result)
{
    using var outcome = JsonDocument.Parse(File.ReadAllBytes(result));
    return outcome
        .RootElement.GetProperty("cpu")
        .EnumerateArray()
        .Single(process => process.GetProperty("name").GetString() == "server")
        .GetProperty("per100_k")
        .GetDouble();
}
