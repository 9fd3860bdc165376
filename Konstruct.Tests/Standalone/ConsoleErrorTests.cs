using System.Net;
using System.Net.Sockets;
using Konstruct.Tests.Harness;
using Konstruct.Tests.LocalServers;
using Xunit;

namespace Konstruct.Tests.Standalone;

/// <summary>What can be wrong with a machine, a file or a command line: a sentence that says what to do, code 1, and no stack trace.</summary>
public sealed class ConsoleErrorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string State => Path.Combine(_folder.Path, "state");

    [Fact]
    public async Task The_gateways_port_is_taken()
    {
        var manifest = SampleManifest.Write(_folder, SampleManifest.Project("gateway"));
        using var taken = Listen(out var port);
        await ExpectAsync(manifest, ["--dashboard", "off", "--port", $"gateway={port}"],
            $"Port {port}, where gateway listens, is taken by another program: stop that one, or start with --port gateway=PORT.");
    }

    [Fact]
    public async Task The_dashboards_port_is_taken()
    {
        var manifest = SampleManifest.Write(_folder, SampleManifest.Project("gateway"));
        using var taken = Listen(out var port);
        await ExpectAsync(manifest, ["--dashboard", $"{port}"],
            $"Port {port}, where dashboard listens, is taken by another program: stop that one, or start with --dashboard PORT or --dashboard off.");
    }

    [Theory]
    [InlineData("--colour", "Unknown option '--colour'; what there is: dotnet run --project Konstruct.AppHost -- --help")]
    [InlineData("--without", "A value is missing after --without.")]
    [InlineData("--without worker", "There is no service 'worker' to leave out.")]
    [InlineData("--without redis", "There is no service 'redis' to leave out.")]
    [InlineData("--port gateway", "--port takes NAME=VALUE, not 'gateway'.")]
    [InlineData("--port gateway=http", "'http' is no port: a port is a number from 1 to 65535.")]
    [InlineData("--port worker=1", "There is no resource 'worker' to give a port; there are redis, gateway.")]
    [InlineData("--dashboard yes", "'yes' is no port: a port is a number from 1 to 65535.")]
    public async Task The_command_line_is_wrong(string options, string sentence)
    {
        var manifest = SampleManifest.Write(_folder, SampleManifest.Redis, SampleManifest.Project("gateway"));
        await ExpectAsync(manifest, options.Split(' '), sentence);
    }

    [Fact]
    public async Task There_is_no_manifest()
    {
        var manifest = Path.Combine(_folder.Path, "none.json");
        await ExpectAsync(manifest, [], $"There is no {manifest}. Restore it from version control");
    }

    [Fact]
    public async Task The_manifest_is_no_JSON()
    {
        var manifest = Path.Combine(_folder.Path, "aspire-manifest.json");
        await File.WriteAllTextAsync(manifest, "{\n  \"resources\": {\n    \"redis\": <<<<<<<\n", TestContext.Current.CancellationToken);
        await ExpectAsync(manifest, [], $"{manifest} is broken: line 3: ");
    }

    [Fact]
    public async Task A_parameter_has_no_value()
    {
        const string Parameter = """ "api-key": { "type": "parameter.v0", "value": "{api-key.inputs.value}", "inputs": { "value": { "type": "string", "secret": true } } } """;
        var manifest = SampleManifest.Write(_folder, Parameter, SampleManifest.Project("gateway", environment: """ "KEY": "{api-key.value}" """));
        await ExpectAsync(manifest, ["--dashboard", "off"], "The parameter 'api-key' has no value: set the environment variable Parameters__api_key.");
    }

    [Fact]
    public async Task Nothing_runs_whose_environment_could_be_printed()
    {
        var manifest = SampleManifest.Write(_folder, SampleManifest.Project("gateway"));
        await ExpectAsync(manifest, ["--env", "gateway"], $"Nothing runs on {State}, or it is not ready yet: start the application first, here with --without gateway.");
    }

    [Fact]
    public async Task There_is_neither_npm_nor_PostgreSQL()
    {
        var manifest = SampleManifest.Write(_folder, SampleManifest.Postgres, SampleManifest.Project("gateway", environment: """ "DB": "{konstruct-db.connectionString}" """));
        await ExpectAsync(manifest, ["--dashboard", "off"], "PostgreSQL is missing: ", new() { ["KONSTRUCT_POSTGRES"] = "npm", ["PATH"] = OnlyDotnet.Path(_folder) });
    }

    [Fact]
    public async Task There_is_no_network_to_fetch_PostgreSQL_from()
    {
        var manifest = SampleManifest.Write(_folder, SampleManifest.Postgres, SampleManifest.Project("gateway", environment: """ "DB": "{konstruct-db.connectionString}" """));
        await ExpectAsync(manifest, ["--dashboard", "off"], "PostgreSQL is missing: ", new()
        {
            ["KONSTRUCT_POSTGRES"] = "npm",
            ["npm_config_registry"] = "http://127.0.0.1:9/",
            ["npm_config_cache"] = Path.Combine(_folder.Path, "npm-cache"),
        });
    }

    /// <summary>The dashboard is a courtesy: the application goes on, and says how to get one.</summary>
    [Fact]
    public async Task Without_npm_the_application_runs_without_a_dashboard()
    {
        var manifest = SampleManifest.Write(_folder, SampleManifest.Project("gateway"));
        await using var runner = Runner.Launch(State, manifest, ["--dashboard", $"{Loopback.FreePort()}"], new() { ["PATH"] = OnlyDotnet.Path(_folder) });
        await runner.WaitForLineAsync("Ctrl+C stops everything.");
        await runner.WaitForLineAsync("Install the Aspire CLI (https://aspire.dev) to have one. The application goes on without it.");
    }

    private async Task ExpectAsync(string manifest, string[] options, string sentence, Dictionary<string, string?>? environment = null)
    {
        await using var run = await Runner.RunToEndAsync(State, manifest, options, environment);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith(sentence, run.Errors, StringComparison.Ordinal);
        Assert.Single(run.Errors.Split('\n'));
        Assert.DoesNotContain("   at ", run.Output, StringComparison.Ordinal);
    }

    private static TcpListener Listen(out int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        port = ((IPEndPoint)listener.LocalEndpoint).Port;
        return listener;
    }

    public void Dispose() => _folder.Dispose();
}
