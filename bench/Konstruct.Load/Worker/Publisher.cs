using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using StackExchange.Redis;

namespace Konstruct.Load.Worker;

/// <summary>
/// Sends only PUBLISH, over its own connection, with one write per batch. A full Redis client used most of the
/// worker's time, on the core that it shares with everything but the server under test.
/// </summary>
internal sealed class Publisher : IDisposable
{
    /// <summary>Maximum size of a batch in bytes, so that the first payloads of a burst do not wait for the last.</summary>
    private const int MostGathered = 16 * 1024;

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly ArrayBufferWriter<byte> _output = new(2 * MostGathered);
    private volatile string? _refusal;

    private Publisher() { }

    /// <param name="server">A Redis without TLS and password.</param>
    /// <param name="cancel">Cancels the attempt.</param>
    /// <exception cref="BadArgumentException">Redis cannot be reached.</exception>
    public static async Task<Publisher> ConnectAsync(EndPoint server, CancellationToken cancel)
    {
        var publisher = new Publisher();
        try
        {
            await publisher._socket.ConnectAsync(server, cancel);
        }
        catch (SocketException problem)
        {
            publisher.Dispose();
            throw new BadArgumentException($"Redis cannot be reached: {problem.Message}");
        }

        _ = publisher.ReadRepliesAsync();
        return publisher;
    }

    /// <summary>The bytes before each payload of a channel.</summary>
    public static byte[] CommandFor(RedisChannel channel)
    {
        var name = (byte[])channel!;
        return [.. Encoding.ASCII.GetBytes(FormattableString.Invariant($"*3\r\n$7\r\nPUBLISH\r\n${name.Length}\r\n")), .. name, .. "\r\n$"u8];
    }

    /// <summary>Adds a payload to the batch. Throws what <see cref="Flush"/> throws.</summary>
    /// <param name="command">From <see cref="CommandFor"/>.</param>
    /// <param name="payload">The payload.</param>
    public void Publish(byte[] command, byte[] payload)
    {
        _output.Write(command);
        payload.Length.TryFormat(_output.GetSpan(16), out var digits, default, CultureInfo.InvariantCulture);
        _output.Advance(digits);
        _output.Write("\r\n"u8);
        _output.Write(payload);
        _output.Write("\r\n"u8);
        if (_output.WrittenCount >= MostGathered)
        {
            Flush();
        }
    }

    /// <summary>Sends the batch.</summary>
    /// <exception cref="IOException">Redis refused an earlier command.</exception>
    /// <exception cref="SocketException">The connection broke.</exception>
    public void Flush()
    {
        if (_refusal is not null)
        {
            throw new IOException($"Redis says: {_refusal}");
        }

        for (var rest = _output.WrittenMemory; !rest.IsEmpty; )
        {
            rest = rest[_socket.Send(rest.Span, SocketFlags.None)..];
        }

        _output.ResetWrittenCount();
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>Reads the replies. Their numbers of listeners are ignored, errors are not.</summary>
    private async Task ReadRepliesAsync()
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await _socket.ReceiveAsync(buffer, SocketFlags.None) is var read and > 0)
            {
                if (buffer.AsSpan(0, read).IndexOf((byte)'-') is var at and >= 0)
                {
                    _refusal = Encoding.UTF8.GetString(buffer, at, read - at).Trim();
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            _refusal ??= exception.Message;
        }
    }
}
