using System.Collections.Concurrent;
using System.Globalization;
using Konstruct.Tests.Faults;
using Konstruct.Tests.Harness;
using Xunit;

[assembly: AssemblyFixture(typeof(FaultReport))]

namespace Konstruct.Tests.Faults;

/// <summary>
/// Writes the tables of docs/design/faults.md to TestResults when the test run ends, each kind of worker's to its own file; <c>eng/faults</c> prints
/// them.
/// </summary>
public sealed class FaultReport : IDisposable
{
    private static readonly ConcurrentDictionary<(string Table, (int Place, string Name) Fault), ConcurrentBag<FaultResult>> Results = new();

    public void Dispose()
    {
        foreach (var table in Results.Keys.GroupBy(key => key.Table))
        {
            string[] lines =
            [
                "| fault | runs | lost | duplicated | hung | left behind | recovery p50, s | max, s |",
                "|---|---|---|---|---|---|---|---|",
                .. table.OrderBy(key => key.Fault.Place).Select(key => Row(key.Fault.Name, [.. Results[key]])),
            ];
            Report.Write(table.Key, string.Concat(lines.Select(line => $"{line}\n")));
        }
    }

    internal static void Add(string table, (int Place, string Name) fault, FaultResult result) =>
        Results.GetOrAdd((table, fault), _ => []).Add(result);

    private static string Row(string fault, FaultResult[] runs)
    {
        var recoveries = runs.Select(run => run.Recovery.TotalSeconds).Order().ToArray();
        var (median, longest) =
            recoveries[^1] == 0
                ? ("–", "–")
                : (
                    recoveries[recoveries.Length / 2].ToString("F1", CultureInfo.InvariantCulture),
                    recoveries[^1].ToString("F1", CultureInfo.InvariantCulture)
                );
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {fault} | {runs.Length} | {runs.Sum(r => r.Lost)} | {runs.Sum(r => r.Duplicated)} | {runs.Sum(r => r.Hung)} | {runs.Sum(r => r.LeftBehind)} | {median} | {longest} |"
        );
    }
}
