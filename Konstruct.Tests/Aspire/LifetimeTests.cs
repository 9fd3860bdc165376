using System.Net;
using System.Net.Sockets;
using Konstruct.Tests.Harness;
using Konstruct.Tests.LocalServers;
using Xunit;

namespace Konstruct.Tests.Aspire;

/// <summary>How the AppHost begins and ends as a program: what the console says, and what is left behind.</summary>
public sealed class LifetimeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("Interrupt")]
    [InlineData("Terminate")]
    [InlineData("Kill")]
    public async Task No_process_is_left_after(string signal)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Processes are read from /proc.");
        await using var app = await AppHostProcess.StartAsync("--Hosting:Stores=local", $"--Hosting:Data={_folder.Path}");
        await app.WaitUntilReadyAsync();
        Assert.True(app.Processes.Length >= 8, string.Join('\n', app.Processes.Select(ProcessTable.Describe)));

        app.Signal(Enum.Parse<Signal>(signal));

        await Until.TrueAsync(() => Task.FromResult(app.Processes is []));
    }

    [Fact]
    public async Task The_console_says_when_it_is_ready_and_where()
    {
        var port = Loopback.FreePort();
        await using var app = await AppHostProcess.StartAsync("--Hosting:Stores=local", $"--Hosting:Data={_folder.Path}", "--Port", $"{port}");
        await app.WaitUntilReadyAsync();

        var line = app.Output.Split('\n').Single(line => line.StartsWith("Ready in ", StringComparison.Ordinal));
        Assert.Matches($@"^Ready in \d+\.\d s\. Chat: http://localhost:{port}/  Dashboard: http://localhost:\d+$", line);
        using var http = new HttpClient();
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri($"http://localhost:{port}/"), TestContext.Current.CancellationToken)).StatusCode);
    }

    [Theory]
    [InlineData("--Hosting:Stores=nowhere", "Hosting:Stores is 'nowhere'; it can be auto, containers, local or managed.")]
    [InlineData("--Replicas=0", "Replicas is '0'; it can be a number from 1 to 10.")]
    [InlineData("--Replicas=two", "Replicas is 'two'; it can be a number from 1 to 10.")]
    [InlineData("--Port=70000", "Port is '70000'; it can be a number from 1 to 65535.")]
    public async Task A_setting_that_cannot_be_is_said_in_a_sentence(string argument, string sentence)
    {
        await using var app = await AppHostProcess.StartAsync(argument);

        Assert.Equal(1, await app.ExitCodeAsync());
        Assert.Equal(sentence, app.Output);
    }

    [Fact]
    public async Task A_taken_port_is_said_in_a_sentence()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        await using var app = await AppHostProcess.StartAsync("--Hosting:Stores=local", $"--Hosting:Data={_folder.Path}", "--Port", $"{port}");

        Assert.Equal(1, await app.ExitCodeAsync());
        Assert.StartsWith($"Port {port} is taken by another program", app.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', app.Output);
    }

    [Fact]
    public async Task Neither_PostgreSQL_nor_npm_is_said_in_a_sentence()
    {
        var environment = new Dictionary<string, string?> { ["KONSTRUCT_POSTGRES"] = "npm", ["PATH"] = OnlyDotnet.Path(_folder, "setpriv", "env") };
        await using var app = await AppHostProcess.StartAsync(environment, "--Hosting:Stores=local", $"--Hosting:Data={Path.Combine(_folder.Path, "data")}");

        Assert.Equal(1, await app.ExitCodeAsync());
        Assert.Contains("postgres: PostgreSQL is missing: ", app.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", app.Output, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
