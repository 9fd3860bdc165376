using System.Collections.Concurrent;
using System.Globalization;
using Konstruct.Tests.Faults;
using Konstruct.Tests.Harness;
using Xunit;

[assembly: AssemblyFixture(typeof(FaultReport))]

namespace Konstruct.Tests.Faults;

/// <summary>
/// Writes the table of docs/design/faults.md to TestResults/faults.md when the test run ends, and that of the worker in Python to faults-python.md;
/// <c>eng/faults</c> prints them.
/// </summary>
public sealed class FaultReport : IDisposable
{
    private static readonly ConcurrentDictionary<(string Worker, string Fault), ConcurrentBag<FaultResult>> Results = new();

    public void Dispose()
    {
        foreach (var worker in Results.Keys.Select(key => key.Worker).Distinct())
        {
            string[] lines =
            [
                "| fault | runs | lost | duplicated | hung | left behind | recovery p50, s | max, s |",
                "|---|---|---|---|---|---|---|---|",
                .. Fault.All.Where(fault => Results.ContainsKey((worker, fault.Name))).Select(fault => Row(worker, fault)),
            ];
            Report.Write(
                worker.EndsWith(".py", StringComparison.Ordinal) ? "faults-python.md" : "faults.md",
                string.Concat(lines.Select(line => $"{line}\n"))
            );
        }
    }

    internal static void Add(string worker, Fault fault, FaultResult result) => Results.GetOrAdd((worker, fault.Name), _ => []).Add(result);

    private static string Row(string worker, Fault fault)
    {
        var runs = Results[(worker, fault.Name)].ToArray();
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
            $"| {fault.Name} | {runs.Length} | {runs.Sum(r => r.Lost)} | {runs.Sum(r => r.Duplicated)} | {runs.Sum(r => r.Hung)} | {runs.Sum(r => r.LeftBehind)} | {median} | {longest} |"
        );
    }
}
