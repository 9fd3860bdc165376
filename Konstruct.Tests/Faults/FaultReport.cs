using System.Collections.Concurrent;
using System.Globalization;
using Konstruct.Tests.Faults;
using Konstruct.Tests.Harness;
using Xunit;

[assembly: AssemblyFixture(typeof(FaultReport))]

namespace Konstruct.Tests.Faults;

/// <summary>Writes the table of docs/design/reliability.md to TestResults/faults.md when the test run ends; <c>eng/faults</c> prints it.</summary>
public sealed class FaultReport : IDisposable
{
    private static readonly ConcurrentDictionary<string, ConcurrentBag<FaultResult>> Results = new();

    public void Dispose()
    {
        if (Results.IsEmpty)
        {
            return;
        }

        string[] lines =
        [
            "| fault | runs | lost | duplicated | hung | left behind | recovery p50, s | max, s |",
            "|---|---|---|---|---|---|---|---|",
            .. Fault.All.Where(fault => Results.ContainsKey(fault.Name)).Select(Row),
        ];
        Report.Write("faults.md", string.Concat(lines.Select(line => $"{line}\n")));
    }

    internal static void Add(Fault fault, FaultResult result) => Results.GetOrAdd(fault.Name, _ => []).Add(result);

    private static string Row(Fault fault)
    {
        var runs = Results[fault.Name].ToArray();
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
