using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Konstruct.Tests.Harness;

/// <summary>
/// Stands between a service and a store, on the loopback address, and does to their connections what a network can do: cut them, refuse new ones,
/// stand still, be slow, or lose a reply to a request that was carried out.
/// </summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<Connection, Task> _connections = new();
    private readonly Task _accepting;
    private volatile TaskCompletionSource _open = Completed();
    private volatile Trap? _trap;

    public TcpProxy(int target)
    {
        Target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The port behind it; new connections go to whichever it is then.</summary>
    public int Target { get; set; }

    /// <summary>While set, every new connection is closed at once.</summary>
    public bool Refuses { get; set; }

    /// <summary>Every piece is held this long before it goes on, in both directions, and none overtakes another.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Breaks every connection; new ones are welcome, unless <see cref="Refuses"/>.</summary>
    public void Cut()
    {
        foreach (var connection in _connections.Keys)
        {
            connection.Close();
        }
    }

    /// <summary>Nothing goes through any more, and nothing is closed.</summary>
    public void Stall() => _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What was held goes on.</summary>
    public void Resume() => _open.TrySetResult();

    /// <summary>
    /// Stands still before the first request that holds <paramref name="marker"/>: the store does not get it. Completes when it was seen.
    /// </summary>
    public Task StallBeforeAsync(string marker) => SetTrap(new(Encoding.UTF8.GetBytes(marker), LetsRequestThrough: false));

    /// <summary>
    /// Lets the first request that holds <paramref name="marker"/> through and cuts its connection instead of passing the reply on: the store has done
    /// it, and the service does not know. Completes when the reply was lost.
    /// </summary>
    public Task LoseReplyToAsync(string marker) => SetTrap(new(Encoding.UTF8.GetBytes(marker), LetsRequestThrough: true));

    /// <summary>Forgets a trap that was not sprung.</summary>
    public void Disarm() => _trap = null;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        Resume();
        Cut();
        await _accepting;
        await Task.WhenAll(_connections.Values);
        _end.Dispose();
    }

    private static TaskCompletionSource Completed()
    {
        var completed = new TaskCompletionSource();
        completed.SetResult();
        return completed;
    }

    private Task SetTrap(Trap trap)
    {
        _trap = trap;
        return trap.Sprung.Task;
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptSocketAsync(_end.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }

            if (Refuses)
            {
                client.Close();
                continue;
            }

            var connection = new Connection(client);
            var serving = ServeAsync(connection);
            _connections[connection] = serving;
            _ = serving.ContinueWith(_ => _connections.TryRemove(connection, out Task? _), TaskScheduler.Default);
        }
    }

    private async Task ServeAsync(Connection connection)
    {
        try
        {
            await connection.Server.ConnectAsync(IPAddress.Loopback, Target, _end.Token);
            await Task.WhenAny(PumpRequestsAsync(connection), PumpRepliesAsync(connection));
        }
        catch (Exception e) when (IsGone(e))
        {
            // The store is down: so is the proxy's address.
        }
        finally
        {
            connection.Close();
        }
    }

    private async Task PumpRequestsAsync(Connection connection)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int length;
            while ((length = await connection.Client.ReceiveAsync(buffer, _end.Token)) > 0)
            {
                if (
                    _trap is { } trap
                    && buffer.AsSpan(0, length).IndexOf(trap.Marker) >= 0
                    && Interlocked.CompareExchange(ref _trap, null, trap) == trap
                )
                {
                    if (trap.LetsRequestThrough)
                    {
                        connection.LosesReply = trap;
                    }
                    else
                    {
                        Stall();
                        trap.Sprung.SetResult();
                    }
                }

                await PassAsync(connection.Server, buffer.AsMemory(0, length));
            }
        }
        catch (Exception e) when (IsGone(e)) { }
    }

    private async Task PumpRepliesAsync(Connection connection)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int length;
            while ((length = await connection.Server.ReceiveAsync(buffer, _end.Token)) > 0)
            {
                if (connection.LosesReply is { } trap)
                {
                    connection.Close();
                    trap.Sprung.SetResult();
                    return;
                }

                await PassAsync(connection.Client, buffer.AsMemory(0, length));
            }
        }
        catch (Exception e) when (IsGone(e)) { }
    }

    private async Task PassAsync(Socket to, ReadOnlyMemory<byte> piece)
    {
        if (Delay > TimeSpan.Zero)
        {
            await Task.Delay(Delay, _end.Token);
        }

        await _open.Task;
        while (piece.Length > 0)
        {
            piece = piece[await to.SendAsync(piece, _end.Token)..];
        }
    }

    private static bool IsGone(Exception e) => e is SocketException or ObjectDisposedException or OperationCanceledException;

    private sealed class Connection(Socket client)
    {
        public Socket Client => client;

        public Socket Server { get; } = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

        public Trap? LosesReply { get; set; }

        public void Close()
        {
            client.Close();
            Server.Close();
        }
    }

    private sealed record Trap(byte[] Marker, bool LetsRequestThrough)
    {
        public TaskCompletionSource Sprung { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
