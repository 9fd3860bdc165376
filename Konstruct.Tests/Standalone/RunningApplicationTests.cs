using Konstruct.Tests.Harness;
using Konstruct.Tests.LocalServers;
using Npgsql;
using StackExchange.Redis;
using Xunit;

namespace Konstruct.Tests.Standalone;

/// <summary>One application in the shape of ours, for the tests that look at it while it runs.</summary>
public sealed class RunningApplication : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    internal Runner Runner { get; private set; } = null!;

    internal string Manifest { get; private set; } = "";

    internal HttpClient Http { get; } = new(new SocketsHttpHandler { UseProxy = false });

    internal string State => Path.Combine(_folder.Path, "state");

    public async ValueTask InitializeAsync()
    {
        Manifest = SampleManifest.WriteWhole(_folder);
        Runner = await Runner.StartAsync(State, Manifest);
    }

    internal Task<string> EnvironmentAsync(string resource, string name) => Http.GetStringAsync(new Uri(Runner.AddressOf(resource), $"/environment/{name}"));

    public async ValueTask DisposeAsync()
    {
        await Runner.DisposeAsync();
        Http.Dispose();
        _folder.Dispose();
    }
}

public sealed class RunningApplicationTests(RunningApplication application) : IClassFixture<RunningApplication>
{
    [Fact]
    public async Task Services_reach_the_stores_with_the_connection_strings_they_are_given()
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(await application.EnvironmentAsync("gateway", "ConnectionStrings__redis"));
        Assert.True(await redis.GetDatabase().PingAsync() > TimeSpan.Zero);

        // As the schema step does it: the owner's connection string names a database that is still to be made.
        var owner = new NpgsqlConnectionStringBuilder(await application.EnvironmentAsync("schema", "ConnectionStrings__konstruct-db"));
        Assert.Equal("konstruct", owner.Database);
        await using var postgres = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(owner.ConnectionString) { Database = "postgres" });
        await using var command = postgres.CreateCommand("SELECT 1");
        Assert.Equal(1, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task References_to_other_resources_are_addresses_of_this_run()
    {
        var redis = new Uri(await application.EnvironmentAsync("gateway", "REDIS_URI"));
        Assert.Equal(application.Runner.AddressOf("redis").Port, redis.Port);
        // https is http on the loopback interface.
        Assert.Equal(application.Runner.AddressOf("orchestrator"), new Uri(await application.EnvironmentAsync("gateway", "SERVICES__ORCHESTRATOR")));
    }

    [Fact]
    public async Task Services_run_as_on_a_developers_machine()
    {
        Assert.Equal("Development", await application.EnvironmentAsync("gateway", "ASPNETCORE_ENVIRONMENT"));
        Assert.Equal("", await application.EnvironmentAsync("gateway", "HTTP_PORTS"));
        Assert.Equal("", await application.EnvironmentAsync("gateway", "ASPNETCORE_FORWARDEDHEADERS_ENABLED"));
        Assert.Equal("gateway", await application.EnvironmentAsync("gateway", "OTEL_SERVICE_NAME"));
        // Nobody takes telemetry here, and an exporter that talks to nobody delays the stop.
        Assert.Equal("", await application.EnvironmentAsync("gateway", "OTEL_EXPORTER_OTLP_ENDPOINT"));
        Assert.EndsWith("SampleService", await application.Http.GetStringAsync(new Uri(application.Runner.AddressOf("gateway"), "/folder"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Services_get_the_arguments_of_the_manifest() => Assert.Equal(
        """["schema"]""",
        await application.Http.GetStringAsync(new Uri(application.Runner.AddressOf("schema"), "/arguments"), TestContext.Current.CancellationToken));

    [Fact]
    public async Task A_service_that_dies_is_reported_and_started_again()
    {
        var address = application.Runner.AddressOf("orchestrator");
        var first = await application.Http.GetStringAsync(new Uri(address, "/process"), TestContext.Current.CancellationToken);

        await BrokenConnection.ExpectAsync(() => application.Http.PostAsync(new Uri(address, "/die"), null, TestContext.Current.CancellationToken));

        await application.Runner.WaitForLineAsync("orchestrator ended by itself with code 137; it starts again in 1 s.");
        await Until.TrueAsync(async () =>
        {
            try
            {
                return await application.Http.GetStringAsync(new Uri(address, "/process"), TestContext.Current.CancellationToken) != first;
            }
            catch (Exception e) when (BrokenConnection.Is(e))
            {
                return false;
            }
        }, LocalServer.Deadline);
    }

    [Fact]
    public async Task Each_resource_has_a_log_file()
    {
        Assert.Contains("the sample runs in", await File.ReadAllTextAsync(Path.Combine(application.State, "logs", "gateway.log"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Contains("ready on 127.0.0.1", await File.ReadAllTextAsync(Path.Combine(application.State, "logs", "redis.log"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Matches(@"(?m)^gateway +\| +the sample runs in", application.Runner.Output);
        // Nobody wants escape sequences in a file.
        Assert.DoesNotContain('\e', application.Runner.Output);
    }

    [Fact]
    public void Secrets_are_for_their_owner_only()
    {
        if (OperatingSystem.IsWindows())
            return;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(application.State, "parameters.json")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(application.State, "run.json")));
    }

    [Fact]
    public async Task The_environment_of_a_service_is_printed_on_request()
    {
        await using var asked = await Runner.RunToEndAsync(application.State, application.Manifest, ["--env", "gateway"]);
        Assert.Equal(0, asked.ExitCode);
        var connectionString = await application.EnvironmentAsync("gateway", "ConnectionStrings__redis");
        Assert.Contains($"ConnectionStrings__redis={connectionString}", asked.Output.Split('\n'));
        Assert.Contains($"ASPNETCORE_URLS={application.Runner.AddressOf("gateway").ToString().TrimEnd('/')}", asked.Output.Split('\n'));
        Assert.DoesNotContain("DOTNET_STARTUP_HOOKS", asked.Output, StringComparison.Ordinal);

        await using var unknown = await Runner.RunToEndAsync(application.State, application.Manifest, ["--env", "worker"]);
        Assert.Equal("There is no service 'worker'; there are schema, orchestrator, gateway.", unknown.Errors);
    }

    [Fact]
    public async Task A_second_start_says_that_the_first_still_runs()
    {
        await using var second = await Runner.RunToEndAsync(application.State, application.Manifest, ["--dashboard", "off"]);
        Assert.Equal(1, second.ExitCode);
        Assert.Equal($"The application already runs on {application.State}: stop that run first (Ctrl+C in its terminal), or choose another place with --state.", second.Errors);

        await using var reset = await Runner.RunToEndAsync(application.State, application.Manifest, ["--reset"]);
        Assert.Equal(1, reset.ExitCode);
        Assert.True(Directory.Exists(Path.Combine(application.State, "redis")));
    }
}
