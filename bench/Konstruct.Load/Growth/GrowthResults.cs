using System.Globalization;
using System.Text.Json;
using Konstruct.Load.Measure;

namespace Konstruct.Load.Growth;

/// <summary>The results that <c>bench/growth</c> left in a folder. The value of several runs is their median.</summary>
internal sealed class GrowthResults
{
    private readonly ILookup<(string Scenario, string Server), string> _files;

    public GrowthResults(string folder)
    {
        _files = Directory
            .GetFiles(folder, "*.json")
            .Select(file => (Parts: Path.GetFileName(file).Split('.'), File: file))
            .Where(run => run.Parts.Length == 4)
            .ToLookup(run => (run.Parts[0], run.Parts[1]), run => run.File);
    }

    /// <summary>Sizes of a scenario whose name ends with one, such as <c>chunks-1000</c>, in order.</summary>
    public IReadOnlyList<int> SizesOf(string scenario) =>
        [
            .. _files
                .Select(group => group.Key.Scenario.Split('-'))
                .Where(name => name is [var first, _] && first == scenario)
                .Select(name => int.Parse(name[1], CultureInfo.InvariantCulture))
                .Distinct()
                .Order(),
        ];

    public bool Has(string server) => _files.Any(group => group.Key.Server == server);

    /// <summary>Null: not measured.</summary>
    public double? Median(string scenario, string server, Func<Outcome, double?> of)
    {
        var values = _files[(scenario, server)]
            .Select(file => of(JsonSerializer.Deserialize(File.ReadAllBytes(file), OutcomeJson.Default.Outcome)!))
            .OfType<double>()
            .Order()
            .ToArray();
        return values.Length == 0 ? null : values[values.Length / 2];
    }

    /// <summary>Null: not measured.</summary>
    public IdleOutcome? Idle(string server) =>
        _files[("idle", server)]
            .Select(file => JsonSerializer.Deserialize(File.ReadAllBytes(file), OutcomeJson.Default.IdleOutcome))
            .FirstOrDefault();

    /// <summary>CPU seconds of a process; of several servers: of all.</summary>
    public static double? Cpu(Outcome outcome, string name)
    {
        var all = outcome.Cpu.Where(cpu => cpu.Name == name || cpu.Name.StartsWith($"{name}-", StringComparison.Ordinal)).ToArray();
        return all.Length == 0 ? null : all.Sum(cpu => cpu.Seconds);
    }
}
