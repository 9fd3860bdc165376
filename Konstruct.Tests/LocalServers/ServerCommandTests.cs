using System.Net;
using System.Net.Sockets;
using Konstruct.LocalServers;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.LocalServers;

/// <summary>Arguments of the local servers, and what keeps one from starting.</summary>
public sealed class ServerCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("Unrecognized command or argument 'mysql'.", "mysql")]
    [InlineData("Option '--port' is required.", "redis", "--data", "x")]
    [InlineData("Option '--data' is required.", "redis", "--port", "1")]
    [InlineData("'two' is not a port: a port is a number from 1 to 65535.", "redis", "--port", "two", "--data", "x")]
    [InlineData("Required argument missing for option: '--port'.", "redis", "--data", "x", "--port")]
    [InlineData("'70000' is not a port: a port is a number from 1 to 65535.", "redis", "--port", "70000", "--data", "x")]
    [InlineData("Unrecognized command or argument '--colour'.", "redis", "--port", "1", "--data", "x", "--colour")]
    public async Task What_is_wrong_with_the_arguments_is_said_in_a_sentence(string sentence, params string[] arguments)
    {
        var run = await LocalServer.RunToEndAsync(arguments);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(sentence, run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_arguments_it_says_what_it_serves()
    {
        var run = await LocalServer.RunToEndAsync([]);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("KONSTRUCT_REDIS_PASSWORD", run.Output, StringComparison.Ordinal);
        Assert.Contains("KONSTRUCT_POSTGRES=npm", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Packages_are_kept_beside_the_data_unless_told_otherwise()
    {
        var given = ServerCommand.Root().Parse(["postgres", "--port", "5432", "--data", Path.Combine(_folder.Path, "state", "postgres")]);
        Assert.Equal(Path.Combine(_folder.Path, "state", "packages"), ServerCommand.PackagesOf(given));
    }

    [Fact]
    public async Task A_missing_password_is_said()
    {
        var run = await LocalServer.RunToEndAsync(["redis", "--port", "1", "--data", _folder.Path], new() { ["KONSTRUCT_REDIS_PASSWORD"] = null });
        Assert.Equal(1, run.ExitCode);
        Assert.Equal("The password is missing: set the environment variable KONSTRUCT_REDIS_PASSWORD.", run.Output);
    }

    [Theory]
    [InlineData("redis")]
    [InlineData("postgres")]
    public async Task A_taken_port_is_said(string kind)
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        var run = await LocalServer.RunToEndAsync([kind, "--port", $"{port}", "--data", Path.Combine(_folder.Path, kind)]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"Port {port} is taken by another program", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_is_served_by_one_process_at_a_time()
    {
        await using var first = await LocalServer.StartAsync("redis", Path.Combine(_folder.Path, "redis"));
        var second = await LocalServer.RunToEndAsync(["redis", "--port", $"{Loopback.FreePort()}", "--data", Path.Combine(_folder.Path, "redis")]);
        Assert.Equal(1, second.ExitCode);
        Assert.Contains("is in use by another process", second.Output, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
