using System.Diagnostics;
using Konstruct.Tests.Harness;
using Konstruct.Tests.LocalServers;
using StackExchange.Redis;
using Xunit;

namespace Konstruct.Tests.Standalone;

/// <summary>How a run ends, and what the next one finds.</summary>
public sealed class LifetimeTests : IDisposable
{
    private const string UsesRedis = """ "ConnectionStrings__redis": "{redis.connectionString}" """;

    private readonly TemporaryFolder _folder = new();

    private string State => Path.Combine(_folder.Path, "state");

    /// <summary>A client that loses its store before its own end fails in ways that look like bugs.</summary>
    [Theory]
    [InlineData(nameof(Signal.Terminate))]
    [InlineData(nameof(Signal.Interrupt))]
    public async Task Services_stop_before_the_stores_and_nothing_is_left(string signal)
    {
        var manifest = SampleManifest.Write(_folder, SampleManifest.Redis, SampleManifest.Project("gateway", environment: UsesRedis));
        await using var runner = await Runner.StartAsync(State, manifest);

        await runner.StopAsync(Enum.Parse<Signal>(signal));

        Assert.Equal(0, runner.ExitCode);
        Assert.Contains("at the end the store answers: True", runner.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("was killed", runner.Output, StringComparison.Ordinal);
        Assert.Matches(@"Stopped in \d", runner.Output);
        await runner.NothingIsLeftAsync();
        Assert.False(File.Exists(Path.Combine(State, "run.json")));
    }

    [Fact]
    public async Task A_killed_AppHost_leaves_no_process_behind()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Looks into /proc.");
        await using var runner = await Runner.StartAsync(State, SampleManifest.WriteWhole(_folder));
        Assert.True(ProcessTable.Naming(State).Length >= 6);

        runner.Signal(Signal.Kill);
        await runner.EndAsync();

        await runner.NothingIsLeftAsync();
    }

    [Fact]
    public async Task A_service_that_does_not_stop_is_killed()
    {
        var manifest = SampleManifest.Write(_folder, SampleManifest.Project("gateway", "\"--stuck\""));
        await using var runner = await Runner.StartAsync(State, manifest);

        await runner.StopAsync();

        Assert.Equal(0, runner.ExitCode);
        Assert.Contains("gateway did not stop in time and was killed.", runner.Output, StringComparison.Ordinal);
        await runner.NothingIsLeftAsync();
    }

    [Fact]
    public async Task A_second_signal_does_not_wait_for_anything()
    {
        var manifest = SampleManifest.Write(_folder, SampleManifest.Project("gateway", "\"--stuck\""));
        await using var runner = await Runner.StartAsync(State, manifest);

        runner.Signal(Signal.Interrupt);
        await runner.WaitForLineAsync("Stopping.");
        // Signals that follow at once are one that reached us twice; so this asks until it is heard as the second.
        var clock = Stopwatch.StartNew();
        while (!runner.Output.Contains("was killed", StringComparison.Ordinal) && clock.Elapsed < LocalServer.Deadline)
        {
            runner.Signal(Signal.Interrupt);
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
        await runner.EndAsync();
        Assert.Equal(0, runner.ExitCode);
    }

    [Fact]
    public async Task A_store_that_dies_ends_the_run()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Looks into /proc.");
        var manifest = SampleManifest.Write(_folder, SampleManifest.Redis, SampleManifest.Project("gateway", environment: UsesRedis));
        await using var runner = await Runner.StartAsync(State, manifest);

        Process.GetProcessById(ProcessTable.Naming(Path.Combine(State, "redis")).First(id => ProcessTable.Describe(id).Contains("LocalServers", StringComparison.Ordinal))).Kill();
        await runner.EndAsync();

        Assert.Equal(1, runner.ExitCode);
        Assert.StartsWith("redis ended by itself with code 137: ", runner.Errors, StringComparison.Ordinal);
        await runner.NothingIsLeftAsync();
    }

    [Fact]
    public async Task Data_and_passwords_are_kept_between_runs_until_a_reset()
    {
        var manifest = SampleManifest.Write(_folder, SampleManifest.Redis, SampleManifest.Project("gateway", environment: UsesRedis));
        Assert.Null(await ExchangeAsync("first"));
        Assert.Equal("first", await ExchangeAsync("second"));

        Directory.CreateDirectory(Path.Combine(State, "packages", "kept"));
        await using var reset = await Runner.RunToEndAsync(State, manifest, ["--reset"]);
        Assert.Equal(0, reset.ExitCode);
        Assert.Contains($"Deleting {Path.Combine(State, "redis")}", reset.Output, StringComparison.Ordinal);
        Assert.Contains($"Deleting {Path.Combine(State, "parameters.json")}", reset.Output, StringComparison.Ordinal);
        Assert.True(Directory.Exists(Path.Combine(State, "packages", "kept")));

        Assert.Null(await ExchangeAsync("third"));

        async Task<string?> ExchangeAsync(string value)
        {
            await using var runner = await Runner.StartAsync(State, manifest);
            await using var asked = await Runner.RunToEndAsync(State, manifest, ["--env", "gateway"]);
            var connectionString = asked.Output.Split('\n').Single(line => line.StartsWith("ConnectionStrings__redis=", StringComparison.Ordinal)).Split('=', 2)[1];
            await using var redis = await ConnectionMultiplexer.ConnectAsync(connectionString);
            var before = await redis.GetDatabase().StringGetSetAsync("key", value);
            await runner.StopAsync();
            return before;
        }
    }

    [Fact]
    public async Task A_service_can_be_left_out_and_run_elsewhere()
    {
        var manifest = SampleManifest.Write(_folder, SampleManifest.Redis, SampleManifest.Project("gateway", environment: UsesRedis));
        await using var runner = await Runner.StartAsync(State, manifest, "--without", "gateway");
        Assert.Matches(@"gateway\s+left out", runner.Output);
        await using var asked = await Runner.RunToEndAsync(State, manifest, ["--env", "gateway"]);
        Assert.Contains("ConnectionStrings__redis=127.0.0.1:", asked.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_is_ready_when_it_says_so()
    {
        var manifest = SampleManifest.Write(_folder, SampleManifest.Project("gateway", "\"--unhealthy-for\", \"1\""));
        await using var runner = await Runner.StartAsync(State, manifest);
        var ready = runner.Output.Split('\n').Single(line => line.StartsWith("Ready in ", StringComparison.Ordinal));
        Assert.Matches(@"^Ready in [1-9]", ready);
    }

    public void Dispose() => _folder.Dispose();
}
