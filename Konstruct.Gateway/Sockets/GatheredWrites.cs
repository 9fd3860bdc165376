using System.Buffers;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Konstruct.Gateway.Sockets;

/// <summary>
/// Gives a WebSocket a stream that can send several frames at once. .NET's WebSocket writes each frame by itself, and each write wakes whoever sends: frames
/// that are there together go together instead.
/// </summary>
/// <param name="inner">What upgrades the request.</param>
/// <param name="socket">The connection's, where what is sent on it is what the client gets: not behind TLS of this process.</param>
internal sealed class GatheredWrites(IHttpUpgradeFeature inner, Socket? socket) : IHttpUpgradeFeature
{
    public bool IsUpgradableRequest => inner.IsUpgradableRequest;

    /// <summary>The stream, once the request is upgraded.</summary>
    public GatheringStream? Stream { get; private set; }

    /// <summary>Comes before the middleware that takes upgrades. A WebSocket of HTTP/2 is none of those, and goes without.</summary>
    public static Task OfferAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade)
        {
            var socket = context.Features.Get<ITlsHandshakeFeature>() is null ? context.Features.Get<IConnectionSocketFeature>()?.Socket : null;
            context.Features.Set<IHttpUpgradeFeature>(new GatheredWrites(upgrade, socket));
        }

        return next(context);
    }

    public async Task<Stream> UpgradeAsync() => Stream = new(await inner.UpgradeAsync(), socket);
}

/// <summary>
/// A connection's stream. What is written while <see cref="MoreFollows"/> is kept, and goes with the next write after it. The WebSocket writes under a lock of
/// its own, so that there is one write at a time, and pings go between two of them.
/// </summary>
/// <remarks>
/// Once the client has been heard, it writes to the socket itself: Kestrel would copy each frame into a block of a pool and send it from another work item,
/// a tenth of the CPU time of a paced answer.
/// </remarks>
/// <param name="inner">Kestrel's stream.</param>
/// <param name="socket">The socket under it; null: everything goes through Kestrel.</param>
internal sealed class GatheringStream(Stream inner, Socket? socket = null) : Stream
{
    /// <summary>A client that takes less is cut off; so Kestrel does by its defaults.</summary>
    private const int LeastBytesPerSecond = 240;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>A whole frame (RFC 6455, 5.5.2).</summary>
    private static readonly byte[] Ping = [0x89, 0];

    private readonly Lock _sending = new(); // Of the socket: a ping waits for a frame that is on its way to it.
    private byte[] _kept = [];
    private int _length;
    private Way _way;
    private bool _hasRest; // Of a frame, for which the connection has no room yet.
    private Task _ping = Task.CompletedTask; // The last, if it had to wait.
    private int _reads;
    private CancellationTokenSource? _cut;

    /// <summary>How bytes go out. Decided once, by what comes first: they must not overtake those that Kestrel has.</summary>
    private enum Way
    {
        Open,
        Kestrel,
        Socket,
    }

    /// <summary>Whether the socket's writer has another frame at hand. It sets this before each frame, and never leaves it set behind its last one.</summary>
    public bool MoreFollows { get; set; }

    /// <summary>How often more was asked for. It grows whenever the client has sent something, pongs included, as long as somebody reads.</summary>
    public int Reads => Volatile.Read(ref _reads);

    /// <summary>
    /// The client has sent something behind its request: so it has the answer to that, and Kestrel has nothing more to send, unless something was written already.
    /// </summary>
    public void ClientIsHeard()
    {
        if (Interlocked.CompareExchange(ref _way, socket is null ? Way.Kestrel : Way.Socket, Way.Open) != Way.Open || socket is null)
        {
            return;
        }

        try
        {
            socket.Blocking = false; // For a send that takes what there is room for. Kestrel's, which wait elsewhere, are the same.
        }
        catch (Exception exception) when (exception is ObjectDisposedException or SocketException)
        {
            // The client is gone again, and Kestrel knows: whoever writes hears of it.
        }
    }

    /// <summary>Whether it is known how bytes go out: the client has been heard, or something was written.</summary>
    public bool HasWay => _way != Way.Open;

    /// <summary>Sends a ping, by the way that frames go. False: the client has no room for it, or is gone.</summary>
    public bool TryPing() => _way switch
    {
        Way.Socket => TryPingSocket(),
        Way.Kestrel => TryPingThroughKestrel(),
        _ => false,
    };

    public override bool CanRead => inner.CanRead;

    public override bool CanSeek => false;

    public override bool CanWrite => inner.CanWrite;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!MoreFollows && _length == 0)
        {
            return SendAsync(buffer, cancellationToken);
        }

        Keep(buffer.Span);
        return MoreFollows ? default : WriteKeptAsync(cancellationToken);
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => _length > 0 || _way == Way.Socket ? Task.CompletedTask : inner.FlushAsync(cancellationToken);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = inner.ReadAsync(buffer, cancellationToken);
        if (_reads == 0 && read.IsCompleted)
        {
            // Perhaps sent together with the request, before there was an answer to it: RFC 6455 forbids that, and nothing breaks by it.
            Interlocked.CompareExchange(ref _way, Way.Kestrel, Way.Open);
        }

        Volatile.Write(ref _reads, _reads + 1);
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            LazyInitializer.EnsureInitialized(ref _cut).Cancel();
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_kept.Length - _length < bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_length + bytes.Length, Math.Max(4096, 2 * _kept.Length)));
            _kept.AsSpan(0, _length).CopyTo(larger);
            Return();
            _kept = larger;
        }

        bytes.CopyTo(_kept.AsSpan(_length));
        _length += bytes.Length;
    }

    private ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (_way != Way.Socket && Interlocked.CompareExchange(ref _way, Way.Kestrel, Way.Open) != Way.Socket)
        {
            return inner.WriteAsync(bytes, cancellationToken);
        }

        int sent;
        SocketError error;
        lock (_sending)
        {
            if (!_ping.IsCompletedSuccessfully)
            {
                return SendBehindPingAsync(bytes, cancellationToken);
            }

            sent = socket!.Send(bytes.Span, SocketFlags.None, out error);
            _hasRest = sent < bytes.Length;
        }

        return error switch
        {
            SocketError.Success when sent == bytes.Length => default,
            SocketError.Success or SocketError.WouldBlock => SendRestAsync(bytes[sent..]),
            _ => throw new SocketException((int)error),
        };
    }

    /// <summary>The client reads slowly: waits until the rest has been taken, takes too long, or somebody aborts. Kestrel closes a connection only after that.</summary>
    private async ValueTask SendRestAsync(ReadOnlyMemory<byte> bytes)
    {
        var cut = LazyInitializer.EnsureInitialized(ref _cut);
        cut.CancelAfter(Grace + TimeSpan.FromSeconds(bytes.Length / LeastBytesPerSecond));
        while (bytes.Length > 0)
        {
            bytes = bytes[await socket!.SendAsync(bytes, SocketFlags.None, cut.Token)..];
        }

        cut.CancelAfter(Timeout.InfiniteTimeSpan);
        Volatile.Write(ref _hasRest, false);
    }

    private bool TryPingSocket()
    {
        lock (_sending)
        {
            if (Volatile.Read(ref _hasRest))
            {
                return false;
            }

            try
            {
                var sent = socket!.Send(Ping, SocketFlags.None, out _);
                if (sent == 1)
                {
                    _hasRest = true;
                    _ping = SendRestAsync(Ping.AsMemory(1)).AsTask();
                }

                return sent > 0;
            }
            catch (ObjectDisposedException)
            {
                return false; // Whoever reads hears of it.
            }
        }
    }

    /// <summary>Half of a ping was sent: frames come behind the other half.</summary>
    private async ValueTask SendBehindPingAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await _ping;
        await SendAsync(bytes, cancellationToken);
    }

    /// <summary>Kestrel takes a write beside another, and keeps each whole.</summary>
    private bool TryPingThroughKestrel()
    {
        if (!_ping.IsCompleted)
        {
            return false;
        }

        _ping = PingAsync();
        return true;

        async Task PingAsync()
        {
            try
            {
                await inner.WriteAsync(Ping);
            }
            catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
            {
                // Gone, and whoever reads hears of it.
            }
        }
    }

    private async ValueTask WriteKeptAsync(CancellationToken cancellationToken)
    {
        await SendAsync(_kept.AsMemory(0, _length), cancellationToken);
        _length = 0;
        Return();
    }

    /// <summary>An idle socket holds no buffer.</summary>
    private void Return()
    {
        if (_kept.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_kept);
            _kept = [];
        }
    }
}
