using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Konstruct.Load.Measure;

/// <summary>The results that <c>bench/compare</c> or <c>bench/growth</c> left in a folder. The value of several runs is their median.</summary>
internal sealed class Results
{
    private readonly ILookup<(string Scenario, string Server), Outcome> _runs;
    private readonly ILookup<string, IdleOutcome> _idle;

    public Results(string folder)
    {
        var files = Directory
            .GetFiles(folder, "*.json")
            .Select(file => (Parts: Path.GetFileName(file).Split('.'), File: file))
            .Where(run => run.Parts.Length == 4)
            .ToLookup(run => run.Parts[0] == "idle");
        _runs = files[false].ToLookup(run => (run.Parts[0], run.Parts[1]), run => Read(run.File, OutcomeJson.Default.Outcome));
        _idle = files[true].ToLookup(run => run.Parts[1], run => Read(run.File, OutcomeJson.Default.IdleOutcome));
    }

    /// <summary>Sizes of a scenario whose name ends with one, such as <c>chunks-1000</c>, in order.</summary>
    public IReadOnlyList<int> SizesOf(string scenario) =>
        [
            .. _runs
                .Select(group => group.Key.Scenario.Split('-'))
                .Where(name => name is [var first, _] && first == scenario)
                .Select(name => int.Parse(name[1], CultureInfo.InvariantCulture))
                .Distinct()
                .Order(),
        ];

    public bool Has(string server) => _runs.Any(group => group.Key.Server == server) || _idle.Contains(server);

    /// <summary>Null: not measured.</summary>
    public double? Median(string scenario, string server, Func<Outcome, double?> of)
    {
        var values = _runs[(scenario, server)].Select(of).OfType<double>().Order().ToArray();
        return values.Length == 0 ? null : values[values.Length / 2];
    }

    /// <summary>Whether the scenario was played on any server.</summary>
    public bool HasScenario(string scenario) => _runs.Any(group => group.Key.Scenario == scenario);

    /// <summary>Null: not measured.</summary>
    public IdleOutcome? Idle(string server) => _idle[server].FirstOrDefault();

    /// <summary>CPU time of the server under test; of several: of the first.</summary>
    public static CpuUse? Server(Outcome outcome) => outcome.Cpu.FirstOrDefault(cpu => cpu.Name == "server");

    /// <summary>CPU seconds of a process; of several servers: of all.</summary>
    public static double? Cpu(Outcome outcome, string name)
    {
        var all = outcome.Cpu.Where(cpu => cpu.Name == name || cpu.Name.StartsWith($"{name}-", StringComparison.Ordinal)).ToArray();
        return all.Length == 0 ? null : all.Sum(cpu => cpu.Seconds);
    }

    /// <summary>What the stores grew by during a run.</summary>
    public static double? Grown(Outcome outcome, Func<StoreReading, long> of) =>
        outcome.Stores is { } stores ? of(stores.After) - of(stores.Before) : null;

    private static T Read<T>(string file, JsonTypeInfo<T> type) => JsonSerializer.Deserialize(File.ReadAllBytes(file), type)!;
}
