using CliWrap;
using CliWrap.Buffered;
using Xunit;

namespace Konstruct.Tests.Harness;

/// <summary>The test program on other machines, and asked for other tests, than this run.</summary>
[Trait("Tier", "Long")]
public sealed class TestRunTests : IDisposable
{
    private const string LongClass = "Konstruct.Tests.Edge.SoakTests";

    private static readonly string[] Browsers = ["chromium", "chromium-browser", "google-chrome"];

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Long_tests_run_only_when_they_are_asked_for()
    {
        Assert.DoesNotContain(LongClass, (await RunAsync(["--list-tests"])).Output, StringComparison.Ordinal);
        Assert.Contains(LongClass, (await RunAsync(["--list-tests", "--filter-trait", "Tier=Long"])).Output, StringComparison.Ordinal);
        Assert.Contains(LongClass, (await RunAsync(["--list-tests", "--filter-class", LongClass])).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_test_is_in_one_tier()
    {
        var (first, second, all) = (
            await ListAsync(),
            await ListAsync("--filter-trait", "Tier=Long"),
            await ListAsync("--filter-not-trait", "Tier=Measurement")
        );
        Assert.True(first.Count > 100 && second.Count > 100, $"{first.Count} and {second.Count} tests");
        Assert.Equal(all.Order(), first.Concat(second).Order());
    }

    [Fact]
    public async Task A_run_begins_with_what_is_missing()
    {
        var (exitCode, output) = await RunAsync(["--filter-class", "*MissingPrograms"], Without(["redis-server", .. Browsers, "node", "npm"]));

        Assert.True(exitCode == 0, output);
        Assert.Matches("Not installed, and what needs it is skipped: redis-server .*Chromium .*npm .*Node.js 20 or newer", output.Split('\n')[0]);
        Assert.Contains("skipped: 1", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Konstruct.Tests.Streaming.ClusterTests", "redis-server (Debian: apt install redis-server)", "redis-server")]
    [InlineData("Konstruct.Tests.Page.SafetyTests", "Chromium (Debian: apt install chromium)", "chromium", "chromium-browser", "google-chrome")]
    [InlineData("Konstruct.Tests.Clients.NodeTests", "Node.js 20 or newer (https://nodejs.org)", "node")]
    [InlineData("Konstruct.Tests.Clients.TypeScriptTests", "npm (it comes with Node.js; Debian: apt install npm)", "npm")]
    public async Task A_class_whose_program_is_missing_is_skipped_with_what_to_install(string name, string needed, params string[] hidden)
    {
        var (exitCode, output) = await RunAsync(["--filter-class", name], Without(hidden));

        Assert.True(exitCode == 0, output);
        Assert.Contains($"Needs {needed}.", output, StringComparison.Ordinal);
        Assert.Contains("failed: 0", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    /// <summary>Each of hundreds of tests failed with the same stack.</summary>
    [Fact]
    public async Task A_server_that_does_not_start_is_one_failure()
    {
        const string sentence = "which holds no PostgreSQL 15 or newer";
        var (exitCode, output) = await RunAsync(
            ["--filter-class", "Konstruct.Tests.ProtocolV1.TabsOnGarnet", "--filter-class", "Konstruct.Tests.Storage.ClientAttackTests"],
            new() { ["KONSTRUCT_POSTGRES"] = _folder.Path }
        );

        Assert.Equal(2, exitCode);
        Assert.Contains("failed: 1", output, StringComparison.Ordinal);
        Assert.Contains("succeeded: 0", output, StringComparison.Ordinal);
        Assert.Single(output.Split('\n'), line => line.Contains(sentence, StringComparison.Ordinal));
        Assert.Contains("did not start; the test that failed first with it says why.", output, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>This machine without some of its programs.</summary>
    private Dictionary<string, string?> Without(params string[] hidden)
    {
        var path = Directory.CreateDirectory(Path.Combine(_folder.Path, "path")).FullName;
        var programs = Environment
            .GetEnvironmentVariable("PATH")!
            .Split(Path.PathSeparator)
            .Where(Directory.Exists)
            .SelectMany(Directory.EnumerateFiles);
        foreach (var program in programs.DistinctBy(Path.GetFileName).ExceptBy(hidden, Path.GetFileName))
        {
            File.CreateSymbolicLink(Path.Combine(path, Path.GetFileName(program)), program);
        }

        return new() { ["PATH"] = path };
    }

    /// <summary>The tests' names without their arguments, which may be random.</summary>
    private static async Task<IReadOnlyList<string>> ListAsync(params string[] filter) =>
        [
            .. (await RunAsync(["--list-tests", .. filter]))
                .Output.Split('\n')
                .Where(line => line.StartsWith("  Konstruct.", StringComparison.Ordinal))
                .Select(line => line.Split('(')[0].Trim()),
        ];

    private static async Task<(int ExitCode, string Output)> RunAsync(string[] arguments, Dictionary<string, string?>? environment = null)
    {
        using var folder = new TemporaryFolder();
        using var limit = new CancellationTokenSource(Limit);
        var result = await Cli.Wrap("dotnet")
            .WithArguments([BuiltPrograms.Dll("Konstruct.Tests"), "--progress", "off", "--results-directory", folder.Path, .. arguments])
            .WithEnvironmentVariables(environment ?? [])
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(limit.Token);
        return (result.ExitCode, $"{result.StandardOutput}\n{result.StandardError}");
    }
}
