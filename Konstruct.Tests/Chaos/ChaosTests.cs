using System.Globalization;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Chaos;

/// <summary>
/// Random faults, up to three at once, under clients of both versions; then one check of everything. <c>eng/chaos</c> plays it for longer:
/// <c>KONSTRUCT_CHAOS_MINUTES</c> (1 without it) and <c>KONSTRUCT_CHAOS_SEED</c> (a new one without it).
/// </summary>
[Trait("Tier", "Long")]
public sealed class ChaosTests
{
    [Fact]
    public async Task Random_faults_break_no_promise()
    {
        Requirement.Redis.Require();
        Requirement.Python.Require();
        var seed = Variable("KONSTRUCT_CHAOS_SEED") ?? Random.Shared.Next(1_000_000);
        var minutes = Variable("KONSTRUCT_CHAOS_MINUTES") ?? 1;
        var again = $"eng/chaos --minutes {minutes} --seed {seed}";
        TestContext.Current.TestOutputHelper?.WriteLine($"The seed is {seed}. To play it again: {again}");

        var summary = await new ChaosRun(seed, minutes).PlayAsync();

        Report.Write("chaos.md", $"{summary}");
        Report.Write("chaos.log", summary.Details());
        var found = summary.Violations.Take(10).Select(violation => $"{violation}");
        Assert.True(
            summary.Violations.Count == 0,
            $"{again}: {summary.Violations.Count} violations. TestResults/chaos.log has all.\n{string.Join('\n', found)}"
        );
    }

    private static int? Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? int.Parse(value, CultureInfo.InvariantCulture) : null;
}
