using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Sockets;

/// <summary>
/// A client that does not wait for the answer to its upgrade before it sends its auth frame. RFC 6455 forbids that, and some do: a frame that overtook the answer
/// was, to them, an answer that is no HTTP.
/// </summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class UpgradeOrderTests(UsualPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    private const int Clients = 400;

    /// <summary>So many at once that answers have to wait within the server.</summary>
    private static readonly ParallelOptions AtOnce = new() { MaxDegreeOfParallelism = 32 };

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task No_frame_comes_before_the_answer_to_the_upgrade(int millisecondsBeforeAuth)
    {
        await Parallel.ForAsync(
            0,
            Clients,
            AtOnce,
            async (i, _) =>
            {
                var answer = await AnswerAsync(
                    TimeSpan.FromMilliseconds(millisecondsBeforeAuth),
                    i % 2 == 0 ? Person.New().Auth : """{"type":"hello"}"""
                );
                Assert.StartsWith("HTTP/1.1 101 ", answer, StringComparison.Ordinal);
            }
        );
    }

    /// <summary>All that comes up to the first frame's text.</summary>
    private async Task<string> AnswerAsync(TimeSpan beforeAuth, string firstFrame)
    {
        using var tcp = new TcpClient { NoDelay = true };
        await tcp.ConnectAsync(IPAddress.Loopback, Gateway.Port);
        var stream = tcp.GetStream();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                $"GET /chat/ws/{Guid.NewGuid()} HTTP/1.1\r\nHost: 127.0.0.1\r\n{RawSocket.Upgrade}Sec-WebSocket-Protocol: {RawChatV2.Subprotocol}\r\n\r\n"
            )
        );
        var sent = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(sent) < beforeAuth)
        {
            await Task.Yield(); // A delay by a timer would be longer than the moment that is to be hit.
        }

        await stream.WriteAsync(TextFrame(firstFrame));
        var answer = new StringBuilder();
        var buffer = new byte[4096];
        while (!answer.ToString().Contains("\"type\":", StringComparison.Ordinal))
        {
            var read = await stream.ReadAsync(buffer).AsTask().WaitAsync(Until.Soon);
            Assert.True(read > 0, $"Hung up after: {answer}");
            answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }

        return answer.ToString();
    }

    /// <summary>A client's frame; a mask of zeros leaves the text as it is.</summary>
    private static byte[] TextFrame(string text)
    {
        var payload = Encoding.UTF8.GetBytes(text);
        byte[] length = payload.Length < 126 ? [(byte)(0x80 | payload.Length)] : [0x80 | 126, (byte)(payload.Length >> 8), (byte)payload.Length];
        return [0x81, .. length, 0, 0, 0, 0, .. payload];
    }
}
