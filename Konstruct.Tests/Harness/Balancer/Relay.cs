using System.Buffers;
using System.Net.Sockets;

namespace Konstruct.Tests.Harness.Balancer;

/// <summary>A client's connection and the replica's that it was given; bytes go both ways until both sides have said all.</summary>
internal sealed class Relay : IDisposable
{
    private const int BufferSize = 16 * 1024;

    private readonly Socket _client;
    private Socket? _server;

    public Relay(Socket client)
    {
        client.NoDelay = true;
        _client = client;
    }

    public async Task RunAsync(Socket server, CancellationToken stop)
    {
        _server = server;
        await Task.WhenAll(PassAsync(_client, server, stop), PassAsync(server, _client, stop));
    }

    public void Dispose()
    {
        _client.Dispose();
        _server?.Dispose();
    }

    /// <summary>The end of one direction is passed on; when a side is cut off, so is the other.</summary>
    private async Task PassAsync(Socket from, Socket to, CancellationToken stop)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            int length;
            while ((length = await from.ReceiveAsync(buffer.AsMemory(0, BufferSize), stop)) > 0)
            {
                for (var sent = 0; sent < length; )
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, length - sent), stop);
                }
            }
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            Dispose();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
