using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Konstruct.Tests.Harness.Balancer;

/// <summary>
/// Stands in front of the replicas of a service, as a platform's ingress does: it hands out connections in turn and knows nothing of what they carry.
/// No stickiness, no health checks; a replica that does not take the connection is passed over.
/// </summary>
internal sealed class TcpBalancer : IServer, IAsyncDisposable
{
    /// <summary>On the loopback interface a server that listens takes a connection at once, and one that does not refuses at once.</summary>
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Relay, Task> _relays = new();
    private readonly IReadOnlyList<int> _targets;
    private readonly List<TcpListener> _listeners;
    private readonly List<Task> _accepting;
    private uint _turn;

    /// <param name="targets">The ports where the replicas are, or will be.</param>
    public TcpBalancer(params IReadOnlyList<int> targets)
    {
        _targets = targets;
        Port = Loopback.FreePort();
        _listeners = Listen();
        _accepting = _listeners.ConvertAll(listener => AcceptAsync(listener, _stop.Token));
    }

    /// <summary>Where clients connect, on both loopback addresses.</summary>
    public int Port { get; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listeners.ForEach(listener => listener.Dispose());
        await Task.WhenAll(_accepting);
        foreach (var relay in _relays.Keys)
        {
            relay.Dispose();
        }

        await Task.WhenAll(_relays.Values);
        _stop.Dispose();
    }

    /// <summary>A browser that is told <c>localhost</c> tries IPv6 first; not every machine has it.</summary>
    private List<TcpListener> Listen()
    {
        var listeners = new List<TcpListener>();
        foreach (var address in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
        {
            var listener = new TcpListener(address, Port);
            try
            {
                listener.Start();
                listeners.Add(listener);
            }
            catch (SocketException) when (address.AddressFamily is AddressFamily.InterNetworkV6)
            {
                listener.Dispose(); // This machine has no IPv6.
            }
        }
        return listeners;
    }

    private async Task AcceptAsync(TcpListener listener, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                Begin(await listener.AcceptSocketAsync(stop), stop);
            }
            catch (Exception end) when (end is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // This client is gone already; the next is not.
            }
        }
    }

    private void Begin(Socket client, CancellationToken stop)
    {
        var relay = new Relay(client);
        var serving = ServeAsync(relay, stop);
        _relays[relay] = serving;
        _ = serving.ContinueWith(_ => _relays.TryRemove(relay, out Task? _), TaskScheduler.Default);
    }

    private async Task ServeAsync(Relay relay, CancellationToken stop)
    {
        using (relay)
        {
            var first = Interlocked.Increment(ref _turn);
            for (var i = 0; i < _targets.Count; i++)
            {
                if (await ConnectAsync(_targets[(int)((first + i) % _targets.Count)], stop) is { } server)
                {
                    await relay.RunAsync(server, stop);
                    return;
                }
            }
        }
    }

    private static async Task<Socket?> ConnectAsync(int target, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(ConnectLimit);
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await server.ConnectAsync(new IPEndPoint(IPAddress.Loopback, target), patience.Token);
            return server;
        }
        catch (Exception refusal) when (refusal is SocketException or OperationCanceledException)
        {
            server.Dispose();
            return null;
        }
    }
}
