using System.Globalization;
using Konstruct.Tests.Harness;
using Konstruct.Tests.LocalServers;
using Xunit;

namespace Konstruct.Tests.Standalone;

/// <summary>An application in the shape of ours with two of each.</summary>
public sealed class ReplicatedApplication : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    internal Runner Runner { get; private set; } = null!;

    internal string Manifest { get; private set; } = "";

    internal string State => Path.Combine(_folder.Path, "state");

    public async ValueTask InitializeAsync()
    {
        Manifest = SampleManifest.WriteWhole(_folder);
        Runner = await Runner.StartAsync(State, Manifest, "--Replicas", "2");
    }

    public async ValueTask DisposeAsync()
    {
        await Runner.DisposeAsync();
        _folder.Dispose();
    }
}

public sealed class ReplicaTests(ReplicatedApplication application) : IClassFixture<ReplicatedApplication>
{
    private Runner Runner => application.Runner;

    [Fact]
    public void Services_are_replicated_and_steps_and_stores_are_not() => Assert.Equal(
        ["redis", "postgres", "schema", "orchestrator-1", "orchestrator-2", "gateway-1", "gateway-2", "orchestrator", "gateway"],
        Runner.Output.Split('\n').SkipWhile(line => !line.StartsWith("resource ", StringComparison.Ordinal)).Skip(1)
            .TakeWhile(line => line.Length > 0).Select(line => line.Split(' ')[0]));

    [Fact]
    public async Task Clients_of_the_one_address_get_either_replica_in_turn()
    {
        var replicas = new[] { await ProcessAsync("gateway-1"), await ProcessAsync("gateway-2") };
        Assert.Equal(2, replicas.Distinct().Count());
        var met = new List<int?>();
        for (var i = 0; i < 4; i++)
            met.Add(await ProcessAsync("gateway"));
        Assert.Equal(replicas.Order(), met.Distinct().Order());
        Assert.NotEqual(met[0], met[1]);
    }

    [Fact]
    public async Task Another_resources_reference_is_the_address_before_the_replicas()
    {
        using var http = NewClient();
        var reference = await http.GetStringAsync(new Uri(Runner.AddressOf("gateway-1"), "/environment/SERVICES__ORCHESTRATOR"), TestContext.Current.CancellationToken);
        Assert.Equal(Runner.AddressOf("orchestrator"), new Uri(reference));
    }

    [Fact]
    public async Task A_replica_that_dies_is_started_again_and_the_other_serves_meanwhile()
    {
        var (dying, staying) = (await ProcessAsync("orchestrator-1"), await ProcessAsync("orchestrator-2"));
        using (var http = NewClient())
            await BrokenConnection.ExpectAsync(() => http.PostAsync(new Uri(Runner.AddressOf("orchestrator-1"), "/die"), null, TestContext.Current.CancellationToken));

        Assert.Equal(staying, await ProcessAsync("orchestrator"));
        Assert.Equal(staying, await ProcessAsync("orchestrator"));
        await Runner.WaitForLineAsync("orchestrator-1 ended by itself with code 137; it starts again in 1 s.");
        await Until.TrueAsync(async () => await ProcessAsync("orchestrator-1") is { } process && process != dying, LocalServer.Deadline);
        Assert.Equal(staying, await ProcessAsync("orchestrator-2"));
    }

    [Fact]
    public async Task Each_replica_has_its_log_its_environment_and_the_services_name_in_telemetry()
    {
        foreach (var replica in new[] { "gateway-1", "gateway-2" })
        {
            Assert.Contains("the sample runs in", await File.ReadAllTextAsync(Path.Combine(application.State, "logs", $"{replica}.log"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
            Assert.Matches($@"(?m)^{replica} +\| +the sample runs in", Runner.Output);
            await using var asked = await Runner.RunToEndAsync(application.State, application.Manifest, ["--env", replica]);
            Assert.Contains($"ASPNETCORE_URLS={Runner.AddressOf(replica).ToString().TrimEnd('/')}", asked.Output.Split('\n'));
            Assert.Contains("OTEL_SERVICE_NAME=gateway", asked.Output.Split('\n'));
        }
    }

    /// <summary>Null: nobody answered.</summary>
    private async Task<int?> ProcessAsync(string resource)
    {
        // A client of its own each time: a connection that is kept stays where it is.
        using var http = NewClient();
        try
        {
            return int.Parse(await http.GetStringAsync(new Uri(Runner.AddressOf(resource), "/process")), CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (BrokenConnection.Is(e))
        {
            return null;
        }
    }

    private static HttpClient NewClient() => new(new SocketsHttpHandler { UseProxy = false });
}

/// <summary>Runs of their own: how replicas are asked for, left out and stopped.</summary>
public sealed class ReplicaLifetimeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string State => Path.Combine(_folder.Path, "state");

    [Fact]
    public async Task One_replica_can_be_left_out_and_run_elsewhere()
    {
        var manifest = SampleManifest.Write(_folder, SampleManifest.Redis, SampleManifest.Project("gateway", external: true));
        await using var runner = await Runner.StartAsync(State, manifest, "--Replicas=2", "--without", "gateway-2");
        Assert.Matches(@"(?m)^gateway-2\s+left out", runner.Output);
        Assert.Matches(@"(?m)^gateway-1\s+running", runner.Output);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        Assert.Equal("Healthy", await http.GetStringAsync(new Uri(runner.AddressOf("gateway"), "/health"), TestContext.Current.CancellationToken));

        await runner.StopAsync();

        Assert.Equal(0, runner.ExitCode);
        Assert.DoesNotContain("was killed", runner.Output, StringComparison.Ordinal);
        await runner.NothingIsLeftAsync();
    }

    [Theory]
    [InlineData("--Replicas 0", "Replicas is '0'; it can be a number from 1 to 10.")]
    [InlineData("--Replicas=many", "Replicas is 'many'; it can be a number from 1 to 10.")]
    [InlineData("--Replicas 2 --without gateway-3", "There is no service 'gateway-3' to leave out.")]
    [InlineData("--without gateway-1", "There is no service 'gateway-1' to leave out.")]
    public async Task What_is_wrong_is_said(string options, string sentence)
    {
        var manifest = SampleManifest.Write(_folder, SampleManifest.Project("gateway", external: true));
        await using var run = await Runner.RunToEndAsync(State, manifest, options.Split(' '));
        Assert.Equal(1, run.ExitCode);
        Assert.Equal(sentence, run.Errors);
    }

    /// <summary>The setting is the same variable with Aspire.</summary>
    [Fact]
    public async Task The_environment_can_ask_for_replicas()
    {
        var manifest = SampleManifest.Write(_folder, SampleManifest.Project("gateway", external: true));
        await using var run = await Runner.RunToEndAsync(State, manifest, ["--dashboard", "off"], new() { ["Replicas"] = "none" });
        Assert.Equal("Replicas is 'none'; it can be a number from 1 to 10.", run.Errors);
    }

    public void Dispose() => _folder.Dispose();
}
