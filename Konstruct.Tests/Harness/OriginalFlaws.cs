using System.Collections.Concurrent;
using System.Reflection;
using Konstruct.Tests.Harness;
using Xunit;
using Xunit.v3;

[assembly: AssemblyFixture(typeof(OriginalFlawReport))]

namespace Konstruct.Tests.Harness;

/// <summary>Marks a test in which a flaw of the original gateway cannot happen; the run ends with a list of them.</summary>
/// <param name="flaw">How the original behaves.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class OriginalFlawAttribute(string flaw) : BeforeAfterTestAttribute
{
    public string Flaw { get; } = flaw;

    public override void After(MethodInfo methodUnderTest, IXunitTest test) =>
        OriginalFlawReport.Record(Flaw, TestContext.Current.TestState?.Result is TestResult.Passed);
}

/// <summary>Writes the list of the original's flaws, each with the outcome of its tests, when the run ends.</summary>
public sealed class OriginalFlawReport : IDisposable
{
    private static readonly ConcurrentDictionary<string, (int Passed, int Failed)> Outcomes = new();

    public void Dispose() =>
        Report.Write(
            "original-flaws.txt",
            string.Concat(
                Outcomes
                    .OrderBy(o => o.Key, StringComparer.Ordinal)
                    .Select(o =>
                        $"{(o.Value.Failed == 0 ? "pass" : "FAIL")}  {o.Key}  ({o.Value.Passed} of {o.Value.Passed + o.Value.Failed} tests)\n"
                    )
            )
        );

    internal static void Record(string flaw, bool passed) =>
        Outcomes.AddOrUpdate(flaw, _ => passed ? (1, 0) : (0, 1), (_, so) => passed ? (so.Passed + 1, so.Failed) : (so.Passed, so.Failed + 1));
}
