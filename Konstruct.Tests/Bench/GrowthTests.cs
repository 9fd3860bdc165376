using System.Globalization;
using System.Text.Json;
using Konstruct.Tests.Clients;
using Konstruct.Tests.Docs;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Bench;

/// <summary>Unit costs come from results, and the sizing page from unit costs. Nothing between them is written by hand.</summary>
public sealed class GrowthTests
{
    private const int Turns = 200;

    /// <summary>A turn costs 500 us and a chunk 10 us: both runs together say so.</summary>
    [Fact]
    public async Task A_turns_share_and_a_chunks_share_are_told_apart()
    {
        using var folder = new TemporaryFolder();
        await WriteAsync(folder, "turns-1.v2.1.json", Run(chunks: Turns, redisSeconds: Turns * 510e-6, redisBytes: Turns * 710));
        await WriteAsync(folder, "turns-100.v2.1.json", Run(chunks: 100 * Turns, redisSeconds: Turns * 1500e-6, redisBytes: Turns * 11_600));
        await WriteAsync(folder, "turns-100.v2.1.slow-1.json", "{}"); // A run that was set aside does not count.
        await WriteAsync(
            folder,
            "running-100.v2.1.json",
            """
            {"conversations":10,"done":10,"chunks":1000,"cpu":[],"stores":{
              "before":{"chunks":0,"redis_bytes":1000000,"wal_bytes":0,"table_bytes":0,"index_bytes":0},
              "streaming":{"chunks":400,"redis_bytes":1064000,"wal_bytes":0,"table_bytes":0,"index_bytes":0},
              "after":{"chunks":1000,"redis_bytes":9000000,"wal_bytes":0,"table_bytes":0,"index_bytes":0}}}
            """
        );
        var file = Path.Combine(folder.Path, "units.json");
        var (exitCode, output) = await GrowthAsync(folder.Path, "--units", file, "--source", "a test");

        Assert.True(exitCode == 0, output);
        var written = JsonElement.Parse(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
        Assert.Equal("a test", written.GetProperty("source").GetString());
        Assert.Equal(500, Unit("redis_us_per_turn"), 0.001);
        Assert.Equal(10, Unit("redis_us_per_chunk"), 0.001);
        Assert.Equal(600, Unit("redis_bytes_per_turn"), 0.001);
        Assert.Equal(110, Unit("redis_bytes_per_chunk"), 0.001);
        Assert.Equal(2000, Unit("redis_bytes_per_running_turn"), 0.001); // 6,400 bytes each, 4,400 of them 40 chunks.
        Assert.Contains("| Redis: CPU-ms | 0.51 | 1.50 |", output, StringComparison.Ordinal);

        double Unit(string name) => written.GetProperty("units").GetProperty(name).GetDouble();
    }

    [Fact]
    public async Task Sockets_cost_what_the_process_grew_by()
    {
        using var folder = new TemporaryFolder();
        await WriteAsync(
            folder,
            "idle.v2.1.json",
            """
            {"dialect":"V2","empty_kb":102400,"empty_cpu_percent":0.5,"steps":[
              {"sockets":1000,"resident_kb":127400,"kb_each":25,"cpu_percent":1.0},{"sockets":10000,"resident_kb":307400,"kb_each":20.5,"cpu_percent":5.5}]}
            """
        );
        var file = Path.Combine(folder.Path, "units.json");
        var (exitCode, output) = await GrowthAsync(folder.Path, "--units", file);

        Assert.True(exitCode == 0, output);
        var units = JsonElement.Parse(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)).GetProperty("units");
        Assert.Equal(100, units.GetProperty("gateway_mb_empty").GetDouble(), 0.001);
        Assert.Equal(20.5, units.GetProperty("gateway_kb_per_socket").GetDouble(), 0.001);
        Assert.Equal(20, units.GetProperty("gateway_kb_per_further_socket").GetDouble(), 0.001);
        Assert.Equal(0.5, units.GetProperty("gateway_percent_per_1000_sockets").GetDouble(), 0.001);
        Assert.Contains("| silent sockets | 0 | 1,000 | 10,000 |", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_sizing_page_is_what_the_command_on_it_prints()
    {
        var page = MarkdownPage.Of("docs/guide/sizing.md").Text.ReplaceLineEndings("\n");
        var (exitCode, output) = await NodeTools.RunAsync(
            "dotnet",
            ["run", Path.Combine("bench", "sizing.cs"), "--", "--users", "1000000", "--messages", "10", "--tokens", "300"],
            BuiltPrograms.RepositoryRoot
        );

        Assert.True(exitCode == 0, output);
        Assert.Contains("dotnet run bench/sizing.cs -- --users 1000000 --messages 10 --tokens 300", page, StringComparison.Ordinal);
        var tables = output.ReplaceLineEndings("\n").Split("\n\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.Equal(4, tables.Length);
        Assert.All(tables, table => Assert.Contains(table, page, StringComparison.Ordinal));
    }

    private static string Run(int chunks, double redisSeconds, long redisBytes) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            {"conversations":50,"done":{{Turns}},"chunks":{{chunks}},"cpu":[{"name":"redis","seconds":{{redisSeconds}},"peak_kb":1}],"stores":{
              "before":{"chunks":0,"redis_bytes":1000000,"wal_bytes":0,"table_bytes":0,"index_bytes":0},
              "after":{"chunks":{{chunks}},"redis_bytes":{{1_000_000 + redisBytes}},"wal_bytes":0,"table_bytes":0,"index_bytes":0}
              }
            }
            """
        );

    private static Task WriteAsync(TemporaryFolder folder, string name, string json) =>
        File.WriteAllTextAsync(Path.Combine(folder.Path, name), json, TestContext.Current.CancellationToken);

    private static Task<(int ExitCode, string Output)> GrowthAsync(params string[] options) =>
        NodeTools.RunAsync("dotnet", [BuiltPrograms.Dll("bench/Konstruct.Load"), "growth", .. options], BuiltPrograms.RepositoryRoot);
}
