using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Konstruct.LocalServers.Processes;

namespace Konstruct.LocalServers.Balancer;

/// <summary>
/// Stands before the replicas of a service, as a platform's ingress does: it deals connections out in turn and knows nothing of what they carry. No stickiness,
/// no health checks; who does not take the connection is passed over.
/// </summary>
/// <param name="port">Where clients come in, on both loopback addresses.</param>
/// <param name="targets">The replicas' ports.</param>
internal sealed class TcpBalancer(int port, IReadOnlyList<int> targets) : ILocalServer
{
    /// <summary>On the loopback interface a server that listens takes a connection at once, and one that does not refuses at once.</summary>
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Relay, Task> _relays = new();
    private uint _turn;

    public async Task<int> RunAsync(Action<string> say, CancellationToken stop)
    {
        var listeners = Listen();
        var accepting = listeners.ConvertAll(listener => AcceptAsync(listener, stop));
        say(ILocalServer.Ready(port));
        await stop.RequestedAsync();
        listeners.ForEach(listener => listener.Dispose());
        await Task.WhenAll(accepting);
        return 0;
    }

    /// <summary>A browser that is told <c>localhost</c> tries IPv6 first; not every machine has it.</summary>
    private List<TcpListener> Listen()
    {
        var listeners = new List<TcpListener>();
        foreach (var address in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
        {
            var listener = new TcpListener(address, port);
            try
            {
                listener.Start();
                listeners.Add(listener);
            }
            catch (SocketException problem)
            {
                listener.Dispose();
                if (listeners.Count == 0)
                    throw new CannotServeException($"The balancer cannot listen on port {port}: {problem.Message}", problem);
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
            for (var i = 0; i < targets.Count; i++)
            {
                if (await ConnectAsync(targets[(int)((first + i) % targets.Count)], stop) is { } server)
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
        patience.CancelAfter(ConnectPatience);
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

    public async ValueTask DisposeAsync()
    {
        foreach (var relay in _relays.Keys)
            relay.Dispose();
        await Task.WhenAll(_relays.Values);
    }
}
