using System.Net;
using System.Net.Sockets;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Sockets;

/// <summary>
/// Connections that say nothing. They had used up what the gateway accepts: probes were refused for two minutes and more, and a platform restarts what does not
/// answer its probes.
/// </summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class SilentConnectionTests(UsualPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    /// <summary>More than a gateway with few sockets accepts in all.</summary>
    private const int Many = 2_500;

    private static readonly Dictionary<string, string> FewSockets = new() { ["Edge__MaxSockets"] = "10" };

    [Fact]
    public async Task Many_of_them_leave_room_for_probes_requests_and_sockets()
    {
        var gateway = await Pipeline.StartGatewayAsync(FewSockets);
        var person = Person.New();
        await using var chat = await RawChat.OpenAsync(gateway, person, Guid.NewGuid());
        await chat.SayAsync("/stream tokens=100000 rate=20 delay=0");
        await chat.ExpectAsync(Frames.Typing);
        await using var silent = await SilentConnections.OpenAsync(gateway.Port, Many);

        Assert.Equal(200, await gateway.StatusAsync("/alive"));
        Assert.Equal(200, await gateway.StatusAsync("/health"));
        await using var another = await RawChat.OpenAsync(gateway, person, Guid.NewGuid());
        await another.SayAsync("/burst 1");
        await another.ReceiveTurnAsync();
        await Until.TrueAsync(() => Task.FromResult(silent.Closed > 0)); // The oldest had to go.
        Assert.Contains("\"chunk\"", await chat.ReceiveAsync(), StringComparison.Ordinal); // A socket is never idle.
    }

    /// <summary>Open TCP connections to one port.</summary>
    private sealed class SilentConnections : IAsyncDisposable
    {
        private readonly List<Socket> _sockets = [];
        private readonly List<Task> _reading = [];
        private int _closed;

        /// <summary>How many the other side has closed.</summary>
        public int Closed => Volatile.Read(ref _closed);

        public static async Task<SilentConnections> OpenAsync(int port, int count)
        {
            var all = new SilentConnections();
            for (var i = 0; i < count; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, port);
                all._sockets.Add(socket);
                all._reading.Add(all.ReadAsync(socket));
            }

            return all;
        }

        public async ValueTask DisposeAsync()
        {
            _sockets.ForEach(socket => socket.Dispose());
            await Task.WhenAll(_reading);
        }

        private async Task ReadAsync(Socket socket)
        {
            try
            {
                await socket.ReceiveAsync(new byte[1]);
            }
            catch (SocketException)
            {
                // Closed, by this side or the other.
            }

            Interlocked.Increment(ref _closed);
        }
    }
}
