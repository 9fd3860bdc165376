using System.Net;
using System.Net.Sockets;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Aspire;

/// <summary>What the AppHost cannot run with is one sentence on the console, and exit code 1.</summary>
public sealed class SettingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("--Hosting:Stores=nowhere", "Hosting:Stores is 'nowhere'; it can be auto, containers, local or managed.")]
    [InlineData("--Replicas=0", "Replicas is '0'; it can be a number from 1 to 10.")]
    [InlineData("--Replicas=two", "Replicas is 'two'; it can be a number from 1 to 10.")]
    [InlineData("--Orchestrator=python", "Orchestrator is 'python'; it can be stub or none.")]
    [InlineData("--Dispatch:Queue=rabbit", "Dispatch:Queue is 'rabbit'; it can be native or celery.")]
    [InlineData("--Port=70000", "Port is '70000'; it can be a number from 1 to 65535.")]
    public async Task A_setting_that_cannot_be_is_said_in_a_sentence(string argument, string sentence)
    {
        await using var app = AppHostProcess.Start(argument);

        Assert.Equal(1, await app.ExitCodeAsync());
        Assert.Equal(sentence, app.Output);
    }

    [Fact]
    public async Task A_taken_port_is_said_in_a_sentence()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        await using var app = AppHostProcess.Start("--Hosting:Stores=local", $"--Hosting:Data={_folder.Path}", "--Port", $"{port}");

        Assert.Equal(1, await app.ExitCodeAsync());
        Assert.StartsWith($"Port {port} is taken by another program", app.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', app.Output);
    }

    public void Dispose() => _folder.Dispose();
}
