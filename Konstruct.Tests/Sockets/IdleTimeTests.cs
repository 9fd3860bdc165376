using System.Diagnostics;
using System.Text;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Sockets;

/// <summary>How long a connection may say nothing, or be in the middle of its request's head.</summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
[Trait("Tier", "Long")]
public sealed class IdleTimeTests(UsualPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    [Theory]
    [InlineData("")]
    [InlineData("GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [InlineData("GET /alive HTTP/1.1\r\nHost: localhost\r\n")]
    public async Task A_connection_without_a_whole_request_is_closed_after_15_s(string sent)
    {
        await using var raw = await RawSocket.ConnectAsync(Gateway.Port);
        var began = Stopwatch.StartNew();
        await raw.WriteAsync(Encoding.ASCII.GetBytes(sent));
        await raw.ReadToEndAsync();

        Assert.InRange(began.Elapsed, TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(40)); // Kestrel looks once a second; the machine may be busy.
    }
}
