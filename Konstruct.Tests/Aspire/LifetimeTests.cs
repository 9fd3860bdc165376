using System.Net;
using Konstruct.LocalServers.Processes;
using Konstruct.Tests.Harness;
using Konstruct.Tests.LocalServers;
using Xunit;

namespace Konstruct.Tests.Aspire;

/// <summary>How the AppHost begins and ends as a program: what the console says, and what is left behind.</summary>
[Trait("Tier", "Long")]
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
        await using var app = AppHostProcess.Start("--Hosting:Stores=local", $"--Hosting:Data={_folder.Path}");
        await app.WaitUntilReadyAsync();
        Assert.True(app.Processes.Length >= 8, string.Join('\n', app.Processes.Select(ProcessTable.Describe)));

        app.Signal(Enum.Parse<Signal>(signal));

        await Until.TrueAsync(() => Task.FromResult(app.Processes is []));
    }

    [Fact]
    public async Task The_console_says_when_it_is_ready_and_where()
    {
        var port = Loopback.FreePort();
        await using var app = AppHostProcess.Start("--Hosting:Stores=local", $"--Hosting:Data={_folder.Path}", "--Port", $"{port}");
        await app.WaitUntilReadyAsync();

        var line = app.Output.Split('\n').Single(line => line.StartsWith("Ready in ", StringComparison.Ordinal));
        Assert.Matches($@"^Ready in \d+\.\d s\. Chat: http://localhost:{port}/  Dashboard: http://localhost:\d+$", line);
        using var http = new HttpClient();
        Assert.Equal(
            HttpStatusCode.OK,
            (await http.GetAsync(new Uri($"http://localhost:{port}/"), TestContext.Current.CancellationToken)).StatusCode
        );
    }

    [Fact]
    public async Task A_store_that_cannot_start_is_said_in_a_sentence()
    {
        var empty = Directory.CreateDirectory(Path.Combine(_folder.Path, "no-postgres")).FullName;
        var environment = new Dictionary<string, string?> { ["KONSTRUCT_POSTGRES"] = empty };
        await using var app = AppHostProcess.Start(environment, "--Hosting:Stores=local", $"--Hosting:Data={Path.Combine(_folder.Path, "data")}");

        Assert.Equal(1, await app.ExitCodeAsync());
        Assert.Contains($"postgres: KONSTRUCT_POSTGRES names {empty}, which holds no PostgreSQL 15 or newer", app.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", app.Output, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
