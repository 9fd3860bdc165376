using System.Diagnostics;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Design;

/// <summary>The Promela model of a turn: its invariants hold, and each guard that is removed is found. docs/design/model.md explains it.</summary>
[Trait("Tier", "Long")]
public sealed class ModelTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>One process runs everything, because the runs share two cores.</summary>
    [Fact]
    public async Task Every_run_of_the_model_ends_as_expected()
    {
        Requirement.Spin.Require();
        var (exitCode, output) = await CheckAsync("--breaks");

        Assert.True(exitCode == 0, output);
        Assert.Matches(@"\n[1-9]\d* runs, [1-9]\d* as expected, 0 not\n$", output);
        TestContext.Current.TestOutputHelper?.WriteLine(output);
    }

    /// <summary>The command that cannot fail would prove nothing.</summary>
    [Fact]
    public async Task A_run_that_does_not_exist_is_a_failure()
    {
        Requirement.Spin.Require();
        var (exitCode, _) = await CheckAsync("no-such-run");

        Assert.NotEqual(0, exitCode);
    }

    private static async Task<(int ExitCode, string Output)> CheckAsync(string argument)
    {
        var start = new ProcessStartInfo("bash", [BuiltPrograms.PathTo("eng/model/check"), argument])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(Cancelled);
        var output = await process.StandardOutput.ReadToEndAsync(Cancelled).WaitAsync(Limit, Cancelled);
        await process.WaitForExitAsync(Cancelled);
        return (process.ExitCode, await errors + output);
    }
}
