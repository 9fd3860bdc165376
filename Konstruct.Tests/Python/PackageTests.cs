using System.Text.RegularExpressions;
using Konstruct.Tests.Clients;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Python;

/// <summary>The package as a whole: its scripts, and its own tests, which are in <c>clients/python/tests</c>.</summary>
public sealed partial class PackageTests
{
    private static readonly string Client = Path.Combine(BuiltPrograms.RepositoryRoot, "clients", "python");

    /// <summary>Gateways and workers of both kinds must run the same bytes: what one appends, the other reads.</summary>
    [Fact]
    public void Its_scripts_are_copies_of_the_gateways()
    {
        var source = Path.Combine(BuiltPrograms.RepositoryRoot, "Konstruct.Contracts", "Redis", "Scripts");
        var copies = Directory.GetFiles(Path.Combine(Client, "src", "konstruct_worker", "lua"), "*.lua");

        Assert.True(copies.Length > 5, $"Only {copies.Length} scripts were found.");
        foreach (var copy in copies)
        {
            Assert.True(
                File.ReadAllBytes(Path.Combine(source, Path.GetFileName(copy))).AsSpan().SequenceEqual(File.ReadAllBytes(copy)),
                $"{Path.GetFileName(copy)} differs from the gateway's: copy it again from {source}."
            );
        }
    }

    [Fact]
    public void Its_licence_is_the_repositorys() =>
        Assert.Equal(File.ReadAllText(Path.Combine(BuiltPrograms.RepositoryRoot, "LICENSE")), File.ReadAllText(Path.Combine(Client, "LICENSE")));

    [Fact]
    public Task Tasks_and_texts() => RunAsync("test_reading");

    private static async Task RunAsync(string module)
    {
        var (exitCode, output) = await NodeTools.RunAsync(
            Requirement.Python.Require(),
            ["-W", "ignore::ResourceWarning", "-m", "unittest", "-v", module],
            Path.Combine(Client, "tests"),
            new Dictionary<string, string?> { ["PYTHONPATH"] = "../src", ["PYTHONDONTWRITEBYTECODE"] = "1" }
        );
        TestContext.Current.TestOutputHelper?.WriteLine(output);
        Assert.True(exitCode == 0, output);
        Assert.True(int.Parse(Ran().Match(output).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) > 1, output);
    }

    [GeneratedRegex(@"^Ran (\d+) tests", RegexOptions.Multiline)]
    private static partial Regex Ran();

    /// <summary>Against a redis-server.</summary>
    [Trait("Tier", "Long")]
    public sealed class OnRedis
    {
        [Theory]
        [InlineData("test_turns")]
        [InlineData("test_claims")]
        [InlineData("test_faults")]
        [InlineData("test_examples")]
        [InlineData("test_telemetry")]
        public Task A_worker(string module)
        {
            Requirement.Redis.Require();
            return RunAsync(module);
        }
    }
}
