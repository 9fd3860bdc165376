using System.Globalization;
using Konstruct.Tests.Clients;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Bench;

/// <summary>The table of <c>bench/compare</c> names the ratios that the aims are about.</summary>
public sealed class CompareTableTests
{
    /// <summary>A relay that commits is the measure where all begin at once; a filled database is compared with an empty one.</summary>
    [Fact]
    public async Task Where_all_begin_at_once_ratios_are_to_the_relay_that_commits()
    {
        using var folder = new TemporaryFolder();
        await WriteAsync(folder, "floor", p99: 5);
        await WriteAsync(folder, "stored", p99: 10);
        await WriteAsync(folder, "v2", p99: 14);
        await WriteAsync(folder, "filled", p99: 16);

        Assert.Contains(
            "| start200 | first chunk p99, ms | 5.0 (0.50) | 10.0 | 14.0 (1.40) | 16.0 (1.60; 1.14 of v2) |",
            await TableAsync(folder),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Without_that_relay_a_filled_database_is_still_compared_with_an_empty_one()
    {
        using var folder = new TemporaryFolder();
        await WriteAsync(folder, "v2", p99: 14);
        await WriteAsync(folder, "filled", p99: 16);

        var table = await TableAsync(folder);
        Assert.Contains("| start200 | first chunk p99, ms | 14.0 | 16.0 (1.14 of v2) |", table, StringComparison.Ordinal);
        Assert.Contains("| start200 | missing + duplicated + hung | 0 | 0 |", table, StringComparison.Ordinal); // Nothing has a ratio to 0.
    }

    private static Task WriteAsync(TemporaryFolder folder, string server, double p99) =>
        File.WriteAllTextAsync(
            Path.Combine(folder.Path, $"start200.{server}.1.json"),
            string.Create(CultureInfo.InvariantCulture, $$"""{"done":200,"first_chunk":{"count":200,"p50":2,"p99":{{p99}},"max":20} }"""),
            TestContext.Current.CancellationToken
        );

    private static async Task<string> TableAsync(TemporaryFolder folder)
    {
        var (exitCode, output) = await NodeTools.RunAsync(
            "dotnet",
            [BuiltPrograms.Dll("bench/Konstruct.Load"), "table", folder.Path],
            BuiltPrograms.RepositoryRoot
        );
        return exitCode == 0 ? output : throw new InvalidOperationException(output);
    }
}
