using System.Net.Sockets;
using System.Text;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Loops;

/// <summary>Requests that break off. Each was an Error with a stack trace: 200 of them made 645 KB of log.</summary>
[Collection<FaultyOnGarnet>]
public sealed class BrokenRequestTests(FaultyPipelineOnGarnet fixture) : PipelineTests(fixture)
{
    [Theory]
    [InlineData("Content-Length: 100\r\n\r\n{\"agent_id\":", 400)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\n{\"age", 400)]
    [InlineData("Content-Length: 20000\r\n\r\n", 413)]
    public async Task A_body_that_breaks_off_is_answered_and_no_error_in_the_log(string rest, int status)
    {
        var gateway = await Pipeline.StartGatewayAsync();
        for (var i = 0; i < 20; i++)
            Assert.Equal(status, await PostAsync(gateway, rest));
        Assert.Equal(200, await gateway.StatusAsync("/alive"));
        Assert.DoesNotContain("fail:", gateway.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", gateway.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("BadHttpRequestException", gateway.Log, StringComparison.Ordinal);
        await gateway.TerminateAsync();
    }

    /// <summary>Sends the request and half-closes, as a client that has nothing more to say; the status of the answer.</summary>
    private static async Task<int> PostAsync(ServiceProcess gateway, string rest)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("127.0.0.1", gateway.Port);
        var person = Person.New();
        await tcp.Client.SendAsync(Encoding.ASCII.GetBytes(
            $"POST /chat/conversations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-User-Id: {person.User}\r\nX-Tenant-Id: {person.Tenant}\r\n{rest}"));
        tcp.Client.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(tcp.GetStream());
        var line = await reader.ReadLineAsync().WaitAsync(Until.Soon);
        Assert.NotNull(line);
        return int.Parse(line.Split(' ')[1], null);
    }
}
