using System.Net;
using System.Net.Sockets;
using System.Text;
using Konstruct.Tests.LocalServers;
using Xunit;

namespace Konstruct.Tests.Harness.Balancer;

/// <summary>The balancer that stands before replicas: plain TCP, each connection to the next.</summary>
public sealed class BalancerTests
{
    [Fact]
    public async Task Connections_are_dealt_out_in_turn()
    {
        using var left = new Named("left");
        using var right = new Named("right");
        await using var balancer = new TcpBalancer(left.Port, right.Port);

        var answers = new List<string>();
        for (var i = 0; i < 6; i++)
        {
            answers.Add(await AskAsync(IPAddress.Loopback, balancer.Port, "who?"));
        }

        Assert.Equal(["left: who?", "right: who?"], answers.Distinct().Order());
        Assert.All(answers.Zip(answers.Skip(1)), pair => Assert.NotEqual(pair.First, pair.Second));
    }

    [Fact]
    public async Task A_replica_that_is_down_is_passed_over_until_it_is_back()
    {
        using var left = new Named("left");
        var port = Loopback.FreePort();
        await using var balancer = new TcpBalancer(left.Port, port);
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal("left: who?", await AskAsync(IPAddress.Loopback, balancer.Port, "who?"));
        }

        using var right = new Named("right", port);
        await Until.TrueAsync(async () => await AskAsync(IPAddress.Loopback, balancer.Port, "who?") == "right: who?");
    }

    [Fact]
    public async Task Nobody_waits_when_all_replicas_are_down()
    {
        await using var balancer = new TcpBalancer(Loopback.FreePort(), Loopback.FreePort());
        Assert.Equal(
            "",
            await AskAsync(IPAddress.Loopback, balancer.Port, "who?").WaitAsync(LocalServer.Deadline, TestContext.Current.CancellationToken)
        );
    }

    /// <summary>A browser that is told "localhost" tries IPv6 first.</summary>
    [Fact]
    public async Task It_listens_on_both_loopback_addresses()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "This machine has no IPv6.");
        using var left = new Named("left");
        await using var balancer = new TcpBalancer(left.Port);
        Assert.Equal("left: who?", await AskAsync(IPAddress.IPv6Loopback, balancer.Port, "who?"));
    }

    /// <summary>What passes is not looked into and not kept: a large answer comes whole, and the end of one direction leaves the other open.</summary>
    [Fact]
    public async Task Bytes_pass_unchanged_and_a_side_that_has_said_all_still_listens()
    {
        using var left = new Named("left");
        await using var balancer = new TcpBalancer(left.Port);
        var question = string.Concat(Enumerable.Range(0, 200_000).Select(i => $"{i} "));
        Assert.Equal($"left: {question}", await AskAsync(IPAddress.Loopback, balancer.Port, question));
    }

    [Fact]
    public async Task A_connection_is_cut_when_its_replica_is()
    {
        using var left = new Named("left");
        await using var balancer = new TcpBalancer(left.Port);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, balancer.Port, TestContext.Current.CancellationToken);
        await Until.TrueAsync(() => Task.FromResult(left.Clients == 1));

        left.Dispose();

        await ReadToEndAsync(client).WaitAsync(LocalServer.Deadline, TestContext.Current.CancellationToken);
    }

    private static async Task ReadToEndAsync(TcpClient client)
    {
        try
        {
            await client.GetStream().CopyToAsync(Stream.Null);
        }
        catch (IOException)
        {
            // Cut rather than closed: an end as well.
        }
    }

    private static async Task<string> AskAsync(IPAddress address, int port, string question)
    {
        using var client = new TcpClient(address.AddressFamily);
        await client.ConnectAsync(address, port);
        try
        {
            // Both at once: a server that answers while it is being asked fills every buffer on the way otherwise.
            var answer = new StreamReader(client.GetStream()).ReadToEndAsync();
            await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(question));
            client.Client.Shutdown(SocketShutdown.Send);
            return await answer;
        }
        catch (Exception cut) when (cut is IOException or SocketException)
        {
            return "";
        }
    }

    /// <summary>A server that answers with its name and what it was sent, when the client has said all.</summary>
    private sealed class Named : IDisposable
    {
        private readonly TcpListener _listener;
        private readonly List<Socket> _clients = [];

        public Named(string name, int port = 0)
        {
            _listener = new(IPAddress.Loopback, port);
            _listener.Start();
            _ = ServeAsync(name);
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public int Clients
        {
            get
            {
                lock (_clients)
                {
                    return _clients.Count;
                }
            }
        }

        public void Dispose()
        {
            _listener.Dispose();
            lock (_clients)
            {
                _clients.ForEach(client => client.Dispose());
            }
        }

        private async Task ServeAsync(string name)
        {
            while (true)
            {
                Socket client;
                try
                {
                    client = await _listener.AcceptSocketAsync();
                }
                catch (Exception end) when (end is SocketException or ObjectDisposedException)
                {
                    return;
                }

                lock (_clients)
                {
                    _clients.Add(client);
                }

                _ = AnswerAsync(name, client);
            }
        }

        private static async Task AnswerAsync(string name, Socket client)
        {
            try
            {
                await using var stream = new NetworkStream(client, ownsSocket: true);
                await stream.WriteAsync(Encoding.UTF8.GetBytes($"{name}: "));
                await stream.CopyToAsync(stream);
            }
            catch (Exception cut) when (cut is IOException or SocketException or ObjectDisposedException)
            {
                // The test is over, or has cut this connection.
            }
        }
    }
}
