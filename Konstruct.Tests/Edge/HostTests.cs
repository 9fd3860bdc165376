using System.Text;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Edge;

/// <summary>
/// In Development the gateway believes its callers. A page whose name was made to mean 127.0.0.1 (DNS rebinding) has its own origin there, and read
/// conversations.
/// </summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class HostTests(UsualPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    [Theory]
    [InlineData("localhost", 200)]
    [InlineData("localhost:5180", 200)]
    [InlineData("LOCALHOST", 200)]
    [InlineData("gateway.dev.localhost:5180", 200)]
    [InlineData("127.0.0.1", 200)]
    [InlineData("127.0.0.1:5180", 200)]
    [InlineData("[::1]", 200)]
    [InlineData("[::1]:5180", 200)]
    [InlineData("evil.example", 400)]
    [InlineData("evil.example:5180", 400)]
    [InlineData("localhost.evil.example", 400)]
    [InlineData("127.0.0.1.evil.example", 400)]
    [InlineData("evillocalhost", 400)]
    public async Task Development_answers_only_to_names_of_this_machine(string host, int status)
    {
        Assert.Equal(status, await GetAsync(Gateway, "/alive", host));
        Assert.Equal(status, await GetAsync(Gateway, "/health", host));
        Assert.Equal(status, await GetAsync(Gateway, "/", host));
        Assert.Equal(
            status == 200 ? 101 : 400,
            await GetAsync(Gateway, $"/chat/ws/{Guid.NewGuid()}", host, $"Origin: http://{host}\r\n{RawSocket.Upgrade}")
        );
    }

    [Fact]
    public async Task A_setting_adds_names()
    {
        var gateway = await Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["AllowedHosts"] = "localhost;127.0.0.1;laptop.lan" });

        Assert.Equal(200, await GetAsync(gateway, "/alive", "laptop.lan:5180"));
        Assert.Equal(400, await GetAsync(gateway, "/alive", "evil.example"));
    }

    private static async Task<int> GetAsync(ServiceProcess gateway, string path, string host, string headers = "Connection: close\r\n")
    {
        await using var raw = await RawSocket.ConnectAsync(gateway.Port);
        await raw.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n"));
        return int.Parse((await raw.ReadHeadAsync()).Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
