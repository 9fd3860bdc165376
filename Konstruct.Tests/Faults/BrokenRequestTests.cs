using System.Net.Sockets;
using System.Text;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Faults;

/// <summary>Requests that break off. Each was an Error with a stack trace: 200 of them made 645 KB of log.</summary>
[Collection<Sharing<FaultyPipeline<OnGarnet>>>]
public sealed class BrokenRequestTests(FaultyPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    [Theory]
    [InlineData("Content-Length: 100\r\n\r\n{\"agent_id\":", true, null)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\n{\"age", true, null)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nzz\r\n", false, 400)]
    [InlineData("Content-Length: 20000\r\n\r\n", false, 413)]
    public async Task A_body_that_is_none_or_breaks_off_is_no_error_in_the_log(string rest, bool breaksOff, int? status)
    {
        var gateway = await Pipeline.StartGatewayAsync();
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(status, await PostAsync(gateway, rest, breaksOff));
        }

        Assert.Equal(200, await gateway.StatusAsync("/alive"));
        Assert.DoesNotContain("fail:", gateway.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", gateway.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("BadHttpRequestException", gateway.Log, StringComparison.Ordinal);
        await gateway.TerminateAsync();
    }

    /// <summary>Sends the request; the status of the answer. Whoever breaks off gets none: to Kestrel a client that has closed its half is gone.</summary>
    private static async Task<int?> PostAsync(ServiceProcess gateway, string rest, bool breaksOff)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("127.0.0.1", gateway.Port);
        await using var stream = tcp.GetStream();
        var person = Person.New();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                $"POST /chat/conversations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-User-Id: {person.User}\r\nX-Tenant-Id: {person.Tenant}\r\n{rest}"
            )
        );
        if (breaksOff)
        {
            tcp.Client.Shutdown(SocketShutdown.Send);
        }

        using var reader = new StreamReader(stream);
        try
        {
            var line = await reader.ReadLineAsync().WaitAsync(Until.Soon);
            return line is null ? null : int.Parse(line.Split(' ')[1], null);
        }
        catch (IOException)
        {
            return null; // Reset.
        }
    }
}
