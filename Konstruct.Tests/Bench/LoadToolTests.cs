using System.Diagnostics;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Bench;

/// <summary>The generator counts what it should: against a real gateway everything, once.</summary>
[Trait("Tier", "Long")]
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class LoadToolTests(UsualPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    private const int Conversations = 20;
    private const int Tokens = 40;

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public async Task Every_chunk_of_every_answer_is_counted_once(string dialect)
    {
        var result = await LoadTool.RunAsync(
            Gateway.Port,
            "--dialect",
            dialect,
            "--conversations",
            $"{Conversations}",
            "--messages",
            "2",
            "--text",
            $"/stamp tokens={Tokens} rate=200 delay=0"
        );

        Assert.True(result.ExitCode == 0, result.Table);
        Assert.Equal(2 * Conversations, result["done"]);
        Assert.Equal(2 * Conversations * Tokens, result["chunks"]);
        AssertNothingWrong(result);
        Assert.Equal(2 * Conversations * Tokens, result.Json.GetProperty("delay").GetProperty("count").GetInt32());
        Assert.InRange(result.Time("delay", "p50"), 0.001, 10_000);
        Assert.True(result.Time("first_chunk", "p50") <= result.Time("answer", "p50"), "An answer ended before it began.");
    }

    [Fact]
    public async Task Sockets_that_break_in_a_storm_come_back_and_miss_nothing()
    {
        var result = await LoadTool.RunAsync(
            Gateway.Port,
            "--conversations",
            $"{Conversations}",
            "--storm",
            "0.3",
            "--text",
            $"/stamp tokens={5 * Tokens} rate=100 delay=0"
        );

        Assert.True(result.ExitCode == 0, result.Table);
        Assert.Equal(Conversations * 5 * Tokens, result["chunks"]);
        AssertNothingWrong(result);
        Assert.True(result["returned"] >= Conversations, $"Only {result["returned"]} sockets came back: there was no storm.");
    }

    [Fact]
    public async Task It_tells_how_fast_a_core_was()
    {
        var result = await LoadTool.RunAsync(
            Gateway.Port,
            "--conversations",
            "1",
            "--core",
            "0",
            "--text",
            $"/stamp tokens={Tokens} rate=100 delay=0"
        );

        Assert.True(result.ExitCode == 0, result.Table);
        var core = Assert.Single(result.Json.GetProperty("cores").EnumerateArray());
        Assert.Equal(0, core.GetProperty("core").GetInt32());
        Assert.InRange(core.GetProperty("loop_ms").GetDouble(), 0.01, 100);
        Assert.Contains("core 0", result.Table, StringComparison.Ordinal);
    }

    /// <summary>A reader that pauses between two frames is broken off there, where no read notices.</summary>
    [Fact]
    public async Task Slow_readers_break_in_a_storm_too()
    {
        var result = await LoadTool.RunAsync(
            Gateway.Port,
            "--conversations",
            $"{Conversations}",
            "--storm",
            "0.3",
            "--slow",
            $"{Conversations}",
            "--slow-delay",
            "10",
            "--text",
            $"/stamp tokens={3 * Tokens} rate=100 delay=0"
        );

        Assert.True(result.ExitCode == 0, result.Table);
        Assert.Equal(Conversations * 3 * Tokens, result["chunks"]);
        AssertNothingWrong(result);
    }

    [Fact]
    public async Task It_tells_what_the_database_grew_by()
    {
        var owner = Pipeline.Database.Server.OwnerConnectionString(Pipeline.Database.Name);
        var result = await LoadTool.RunAsync(Gateway.Port, "--conversations", $"{Conversations}", "--postgres", owner);

        Assert.True(result.ExitCode == 0, result.Table);
        var stores = result.Json.GetProperty("stores");
        var (before, after) = (stores.GetProperty("before"), stores.GetProperty("after"));
        Assert.All(["wal_bytes", "table_bytes", "index_bytes"], count => Assert.InRange(before.GetProperty(count).GetInt64(), 1, long.MaxValue));
        // Each turn is at least a row for the question and one for the answer, with its text.
        Assert.InRange(after.GetProperty("wal_bytes").GetInt64() - before.GetProperty("wal_bytes").GetInt64(), Conversations * 1000, long.MaxValue);
    }

    private static void AssertNothingWrong(LoadResult result) =>
        Assert.All(
            ["missing", "duplicated", "corrupt", "hung", "cut", "unknown_frames"],
            count => Assert.True(result[count] == 0, $"{count}:\n{result.Table}")
        );
}

/// <summary>The detector finds what it is there to find: each fault is made on purpose, once an answer.</summary>
[Trait("Tier", "Long")]
public sealed class LoadToolFaultTests
{
    private const int Conversations = 3;

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public async Task A_dropped_chunk_is_missing(string dialect) =>
        await AssertFoundAsync(dialect, new Faults(Dropped: 4), "missing", FaultyServer.Chunks - 1);

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public async Task A_dropped_last_chunk_is_missing(string dialect) =>
        await AssertFoundAsync(dialect, new Faults(Dropped: FaultyServer.Chunks), "missing", FaultyServer.Chunks - 1);

    [Theory]
    [InlineData("v1", FaultyServer.Chunks + 1)]
    [InlineData("v2", FaultyServer.Chunks)] // What seq says has come before does not count as a chunk.
    public async Task A_repeated_chunk_is_duplicated(string dialect, int chunks) =>
        await AssertFoundAsync(dialect, new Faults(Repeated: 5), "duplicated", chunks);

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public async Task A_chunk_that_says_something_else_is_corrupt(string dialect)
    {
        await using var server = await FaultyServer.StartAsync(new Faults(Garbled: 6));
        var result = await RunAsync(server, dialect);

        Assert.Equal(1, result.ExitCode);
        Assert.Equal(Conversations, result["corrupt"]);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public async Task An_answer_without_an_end_is_hung(string dialect)
    {
        await using var server = await FaultyServer.StartAsync(new Faults(IsEndless: true));
        var result = await RunAsync(server, dialect);

        Assert.Equal(1, result.ExitCode);
        Assert.Equal(Conversations, result["hung"]);
        Assert.Empty(result.Json.GetProperty("closes").EnumerateObject()); // The generator gave up, nobody closed.
        Assert.Equal(0, result["done"]);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public async Task A_server_without_faults_has_none(string dialect)
    {
        await using var server = await FaultyServer.StartAsync(new Faults());
        var result = await RunAsync(server, dialect);

        Assert.True(result.ExitCode == 0, result.Table);
        Assert.Equal(Conversations * FaultyServer.Chunks, result["chunks"]);
    }

    [Fact]
    public async Task Messages_in_parts_and_pings_between_them_are_no_fault()
    {
        await using var server = await FaultyServer.StartAsync(new Faults(IsInParts: true));
        var result = await RunAsync(server, "v2");

        Assert.True(result.ExitCode == 0, result.Table);
        Assert.Equal(Conversations * FaultyServer.Chunks, result["chunks"]);
    }

    [Fact]
    public async Task Conversations_are_divided_among_all_servers()
    {
        await using var first = await FaultyServer.StartAsync(new Faults());
        await using var second = await FaultyServer.StartAsync(new Faults(Garbled: 6));
        var result = await LoadTool.RunAsync(
            first.Port,
            "--also",
            $"ws://127.0.0.1:{second.Port}",
            "--conversations",
            "5",
            "--ramp",
            "0",
            "--patience",
            "2"
        );

        Assert.Equal(5, result["done"]);
        Assert.Equal(2, result["corrupt"]); // The second and the fourth.
    }

    /// <summary>PostgreSQL's work is done by processes that come and go.</summary>
    [Fact]
    public async Task A_family_includes_children_that_have_ended()
    {
        const string Burn = "while :; do bash -c 'for ((i = 0; i < 30000; i++)); do :; done'; done";
        using var parent = Process.Start(new ProcessStartInfo("bash", ["-c", Burn]))!;
        try
        {
            await using var server = await FaultyServer.StartAsync(new Faults(IsEndless: true)); // A run of two seconds.
            var result = await LoadTool.RunAsync(
                server.Port,
                "--conversations",
                "1",
                "--patience",
                "2",
                "--watch",
                $"parent={parent.Id}",
                "--watch-family",
                $"family={parent.Id}"
            );

            var (alone, family) = (Seconds("parent"), Seconds("family"));
            Assert.True(family > alone + 0.1, $"The parent took {alone} s, with its children {family} s.");

            double Seconds(string name) =>
                result
                    .Json.GetProperty("cpu")
                    .EnumerateArray()
                    .Single(process => process.GetProperty("name").GetString() == name)
                    .GetProperty("seconds")
                    .GetDouble();
        }
        finally
        {
            parent.Kill(entireProcessTree: true);
            await parent.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static async Task AssertFoundAsync(string dialect, Faults faults, string count, int chunksOfAnAnswer)
    {
        await using var server = await FaultyServer.StartAsync(faults);
        var result = await RunAsync(server, dialect);

        Assert.Equal(1, result.ExitCode);
        Assert.Equal(Conversations * chunksOfAnAnswer, result["chunks"]);
        Assert.All(
            ["missing", "duplicated", "corrupt", "hung", "cut"],
            wrong => Assert.True(result[wrong] == (wrong == count ? Conversations : 0), $"{wrong}:\n{result.Table}")
        );
    }

    private static Task<LoadResult> RunAsync(FaultyServer server, string dialect) =>
        LoadTool.RunAsync(server.Port, "--dialect", dialect, "--conversations", $"{Conversations}", "--ramp", "0", "--patience", "2");
}
