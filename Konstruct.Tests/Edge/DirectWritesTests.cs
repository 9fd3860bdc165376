using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Konstruct.Gateway.Sockets;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Konstruct.Tests.Edge;

/// <summary>Frames go to the socket itself where that is the same to the client, and through Kestrel everywhere else.</summary>
[Collection(typeof(UsualOnGarnet))]
public sealed class DirectWritesTests(UsualPipelineOnGarnet fixture) : PipelineTests(fixture)
{
    [Fact]
    public async Task Once_the_client_is_heard_bytes_go_past_Kestrel()
    {
        using var connection = await Connection.OpenAsync();
        connection.Stream.ClientIsHeard();
        await connection.WriteAsync("frame"u8.ToArray());
        Assert.Equal("frame"u8.ToArray(), await connection.ReadAsync(5));
        Assert.Equal(0, connection.Kestrel.Length);
    }

    [Fact]
    public async Task What_comes_after_bytes_that_Kestrel_has_goes_behind_them()
    {
        using var connection = await Connection.OpenAsync();
        await connection.WriteAsync("early "u8.ToArray());
        connection.Stream.ClientIsHeard();
        await connection.WriteAsync("late"u8.ToArray());
        Assert.Equal("early late"u8.ToArray(), connection.Kestrel.ToArray());
        Assert.Equal(0, connection.Client.Available);
    }

    [Fact]
    public async Task Of_more_than_the_connection_takes_at_once_no_byte_is_lost_repeated_or_moved()
    {
        using var connection = await Connection.OpenAsync();
        connection.Stream.ClientIsHeard();
        byte[][] frames = [.. Enumerable.Range(1, 64).Select(i => RandomNumberGenerator.GetBytes(i * 4001))];
        var hasWaited = false;
        var writing = Task.Run(async () =>
        {
            foreach (var frame in frames)
            {
                connection.Stream.MoreFollows = frame.Length % 3 == 0 && frame != frames[^1]; // Some gathered, some alone.
                var write = connection.WriteAsync(frame);
                Volatile.Write(ref hasWaited, Volatile.Read(ref hasWaited) || !write.IsCompleted);
                await write;
            }
        }, CancellationToken.None);
        await Until.TrueAsync(() => Task.FromResult(Volatile.Read(ref hasWaited)));
        var all = frames.SelectMany(frame => frame).ToArray();
        Assert.Equal(all, await connection.ReadAsync(all.Length));
        await writing;
        Assert.Equal(0, connection.Client.Available);
    }

    [Fact]
    public async Task Pings_go_between_frames_and_never_into_one()
    {
        using var connection = await Connection.OpenAsync();
        connection.Stream.ClientIsHeard();
        await AssertPingsGoBetweenFramesAsync(connection.Stream, connection.Client);
    }

    [Fact]
    public async Task Pings_through_Kestrel_go_between_frames_too()
    {
        await using var app = Kestrel();
        var (upgraded, isOver) = (new TaskCompletionSource<GatheringStream>(), new TaskCompletionSource());
        app.Run(async context =>
        {
            var stream = new GatheringStream(await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync());
            stream.ClientIsHeard();
            upgraded.SetResult(stream);
            await isOver.Task;
        });
        await app.StartAsync(CancellationToken.None);
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(IPEndPoint.Parse(new Uri(app.Urls.Single()).Authority), CancellationToken.None);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\n"u8.ToArray(), CancellationToken.None);
        var stream = await upgraded.Task.WaitAsync(Until.Soon, CancellationToken.None);
        for (var head = ""; !head.EndsWith("\r\n\r\n", StringComparison.Ordinal);)
            head += (char)(await ReadAsync(client, 1))[0];

        await AssertPingsGoBetweenFramesAsync(stream, client);
        isOver.SetResult();
    }

    [Fact]
    public async Task A_client_that_has_a_frame_to_take_is_not_pinged()
    {
        using var connection = await Connection.OpenAsync();
        connection.Stream.ClientIsHeard();
        var write = connection.WriteAsync(new byte[1024 * 1024]).AsTask();
        Assert.False(write.IsCompleted);
        Assert.False(connection.Stream.TryPing());
        await connection.ReadAsync(1024 * 1024);
        await write.WaitAsync(Until.Soon, CancellationToken.None);
        Assert.True(connection.Stream.TryPing());
        Assert.Equal([0x89, 0], await connection.ReadAsync(2));
    }

    [Fact]
    public async Task What_goes_through_Kestrel_is_pinged_there()
    {
        using var connection = await Connection.OpenAsync();
        Assert.False(connection.Stream.TryPing()); // It is not known yet where frames go.
        await connection.WriteAsync("early "u8.ToArray());
        Assert.True(connection.Stream.TryPing());
        Assert.Equal([.. "early "u8, 0x89, 0], connection.Kestrel.ToArray());

        var secure = new MemoryStream();
        await using var stream = new GatheringStream(secure);
        stream.ClientIsHeard();
        Assert.True(stream.TryPing());
        Assert.Equal([0x89, 0], secure.ToArray());
    }

    [Fact]
    public async Task A_client_that_has_gone_or_has_no_room_is_not_pinged()
    {
        using var full = await Connection.OpenAsync();
        full.Stream.ClientIsHeard();
        while (full.Server.Send(new byte[1], SocketFlags.None, out var error) == 1 && error == SocketError.Success)
        {
        }
        Assert.False(full.Stream.TryPing());

        using var gone = await Connection.OpenAsync();
        gone.Stream.ClientIsHeard();
        gone.Server.Dispose();
        Assert.False(gone.Stream.TryPing());
    }

    /// <summary>Kestrel closes a connection when its request is over, and the request waits for the write.</summary>
    [Fact]
    public async Task An_abort_ends_a_write_that_waits()
    {
        using var connection = await Connection.OpenAsync();
        connection.Stream.ClientIsHeard();
        var write = connection.WriteAsync(new byte[1024 * 1024]).AsTask();
        Assert.False(write.IsCompleted);
        await connection.Stream.DisposeAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write.WaitAsync(Until.Soon, CancellationToken.None));
    }

    /// <summary>It may send whatever keeps the connection alive: Kestrel would cut it off, too.</summary>
    [Fact]
    public async Task A_client_that_takes_nothing_is_not_waited_for_for_ever()
    {
        using var connection = await Connection.OpenAsync();
        connection.Stream.ClientIsHeard();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            while (true)
                await connection.WriteAsync(new byte[240]).AsTask().WaitAsync(Until.Soon, CancellationToken.None);
        });
    }

    /// <summary>RFC 6455 forbids it. Kestrel may not have sent its answer to the request yet.</summary>
    [Fact]
    public async Task A_client_that_speaks_before_it_is_answered_is_answered_in_order()
    {
        using var connection = await Connection.OpenAsync();
        Assert.Equal(0, await connection.Stream.ReadAsync(new byte[1], CancellationToken.None)); // At once: the recorder has nothing.
        connection.Stream.ClientIsHeard();
        await connection.WriteAsync("frame"u8.ToArray());
        Assert.Equal("frame"u8.ToArray(), connection.Kestrel.ToArray());
    }

    [Fact]
    public async Task Under_Kestrel_it_is_the_connections_socket()
    {
        await using var app = Kestrel();
        var (isReading, isBlocking) = (new TaskCompletionSource(), new TaskCompletionSource<bool>());
        app.Use(GatheredWrites.OfferAsync);
        app.UseWebSockets();
        app.MapGet("/", async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            var reading = socket.ReceiveAsync(Memory<byte>.Empty, CancellationToken.None);
            isReading.SetResult();
            await reading;
            ((GatheredWrites)context.Features.GetRequiredFeature<IHttpUpgradeFeature>()).Stream!.ClientIsHeard();
            isBlocking.SetResult(context.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket.Blocking);
        });
        await app.StartAsync(CancellationToken.None);
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new Uri(app.Urls.Single().Replace("http:", "ws:", StringComparison.Ordinal)), CancellationToken.None);
        await isReading.Task.WaitAsync(Until.Soon, CancellationToken.None); // What is there before the first read may have come with the request.
        await client.SendAsync(new byte[1], WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        Assert.False(await isBlocking.Task.WaitAsync(Until.Soon, CancellationToken.None));
    }

    [Fact]
    public async Task A_client_that_has_said_something_and_gone_is_no_error_until_something_is_written()
    {
        using var connection = await Connection.OpenAsync();
        connection.Server.Dispose();
        connection.Stream.ClientIsHeard();
        await Assert.ThrowsAnyAsync<ObjectDisposedException>(async () => await connection.WriteAsync([1]));
    }

    [Fact]
    public async Task A_gateway_that_speaks_TLS_itself_sends_nothing_past_it()
    {
        using var folder = new TemporaryFolder();
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var file = Path.Combine(folder.Path, "gateway.pfx");
        await File.WriteAllBytesAsync(file, certificate.Export(X509ContentType.Pfx, "secret"), CancellationToken.None);
        var (plain, secure) = (Loopback.FreePort(), Loopback.FreePort());
        var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string>
            {
                ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{plain};https://127.0.0.1:{secure}",
                ["Kestrel__Certificates__Default__Path"] = file,
                ["Kestrel__Certificates__Default__Password"] = "secret",
            },
            plain);
        await using var chat = await RawChat.ConnectAsync(gateway, $"{Guid.NewGuid()}", securePort: secure);
        await chat.SendAsync(Person.New().Auth);
        await chat.SayAsync("/burst 3");
        await chat.ReadToAsync("done");
    }

    /// <summary>A server of its own, which serves nothing yet.</summary>
    private static WebApplication Kestrel()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        return builder.Build();
    }

    /// <summary>Sends frames, each with four bytes of length and what they say, and pings beside them from another thread. A ping is told by its first byte.</summary>
    private static async Task AssertPingsGoBetweenFramesAsync(GatheringStream stream, Socket client)
    {
        byte[][] frames = [.. Enumerable.Range(1, 200).Select(i => (byte[])[0x81, .. BitConverter.GetBytes(i * 601), .. RandomNumberGenerator.GetBytes(i * 601)])];
        var isWriting = true;
        var pinging = Task.Run(() =>
        {
            while (Volatile.Read(ref isWriting))
                stream.TryPing();
        }, CancellationToken.None);
        var writing = Task.Run(async () =>
        {
            foreach (var frame in frames[..^1])
            {
                stream.MoreFollows = frame.Length % 3 == 0; // Some gathered, some alone.
                await stream.WriteAsync(frame, CancellationToken.None);
            }
            Volatile.Write(ref isWriting, false);
            await pinging;
            stream.MoreFollows = false;
            await stream.WriteAsync(frames[^1], CancellationToken.None);
        }, CancellationToken.None);

        var (pings, next) = (0, 0);
        while (next < frames.Length)
        {
            var first = await ReadAsync(client, 2);
            if (first is [0x89, 0])
            {
                pings++;
                continue;
            }
            Assert.Equal(frames[next], (byte[])[.. first, .. await ReadAsync(client, frames[next].Length - 2)]);
            next++;
        }
        await writing;
        Assert.True(pings > 0);
        Assert.Equal(0, client.Available);
    }

    private static async Task<byte[]> ReadAsync(Socket client, int count)
    {
        var bytes = new byte[count];
        await using var stream = new NetworkStream(client, ownsSocket: false);
        await stream.ReadExactlyAsync(bytes, CancellationToken.None).AsTask().WaitAsync(Until.Soon);
        return bytes;
    }

    /// <summary>A connection of the loopback interface, with a recorder in Kestrel's place.</summary>
    private sealed class Connection : IDisposable
    {
        private const int Buffer = 64 * 1024;

        private Connection(Socket client, Socket server)
        {
            (Client, Server) = (client, server);
            Stream = new(Kestrel, server);
        }

        public Socket Client { get; }

        public Socket Server { get; }

        public MemoryStream Kestrel { get; } = new();

        public GatheringStream Stream { get; }

        public static async Task<Connection> OpenAsync()
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var client = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = Buffer };
            await client.ConnectAsync(listener.LocalEndpoint);
            var server = await listener.AcceptSocketAsync();
            server.SendBufferSize = Buffer;
            return new(client, server);
        }

        public ValueTask WriteAsync(byte[] bytes) => Stream.WriteAsync(bytes, CancellationToken.None);

        public Task<byte[]> ReadAsync(int count) => DirectWritesTests.ReadAsync(Client, count);

        public void Dispose()
        {
            Stream.Dispose();
            Client.Dispose();
            Server.Dispose();
        }
    }
}
