using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;

namespace Konstruct.Load.Client;

/// <summary>
/// One WebSocket: connects, sends, and returns complete frames. HTTP is .NET's. Frames are parsed here, all that one system call returned,
/// without a copy. .NET's WebSocket reads the header of each frame and then the rest, through several layers: the generator used more CPU
/// than the server. To cancel, call <see cref="Abort"/> from any thread: a token per read would cost as much as the read.
/// </summary>
internal sealed class ChatConnection : IDisposable
{
    private const byte Final = 0x80,
        Opcode = 0x0f,
        Masked = 0x80,
        Length = 0x7f,
        Continuation = 0,
        Text = 1,
        Close = 8,
        Ping = 9,
        Pong = 10;

    private static readonly HttpMessageInvoker Http = new(new SocketsHttpHandler { UseProxy = false });

    private readonly Stream _stream;
    private readonly SemaphoreSlim _sending = new(1); // A pong may be due during a send.
    private readonly ArrayBufferWriter<byte> _parts = new(); // Parts of a fragmented message.
    private byte[] _buffer;
    private int _start; // Start of the bytes that were not parsed yet.
    private int _end;
    private ReadOnlyMemory<byte> _frame;

    private ChatConnection(Stream stream, int buffer)
    {
        (_stream, _buffer) = (stream, new byte[buffer]);
    }

    /// <summary>Close code of the server; null: none.</summary>
    public int? CloseCode { get; private set; }

    /// <summary>The last message; valid until the next read.</summary>
    public ReadOnlySpan<byte> Frame => _frame.Span;

    /// <summary>Size of the message on the wire, with headers.</summary>
    public int WireBytes { get; private set; }

    /// <summary>Connects and authenticates.</summary>
    /// <exception cref="WebSocketException">The server refused or cannot be reached.</exception>
    public static async Task<ChatConnection> OpenAsync(
        Uri server,
        Dialect dialect,
        Person person,
        string jwtKey,
        int buffer,
        CancellationToken cancel
    )
    {
        var connection = await UpgradeAsync(
            dialect.AddressOf(server, person.Conversation),
            dialect == Dialect.V2 ? "konstruct.chat.v2" : null,
            buffer,
            cancel
        );
        try
        {
            using var givingUp = cancel.Register(connection.Abort);
            foreach (var frame in dialect.Auth(person, jwtKey))
            {
                await connection.SendAsync(frame, cancel);
            }

            if (dialect.AnswersAuth() && !await connection.ReadAsync())
            {
                cancel.ThrowIfCancellationRequested();
                throw new WebSocketException($"The server closed with {connection.CloseCode} instead of an answer to auth.");
            }

            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Sends a message.</summary>
    /// <exception cref="WebSocketException">The connection is broken.</exception>
    public async Task SendAsync(byte[] message, CancellationToken cancel)
    {
        try
        {
            await SendAsync(Text, message, cancel);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            cancel.ThrowIfCancellationRequested();
            throw new WebSocketException("The connection is broken.", exception);
        }
    }

    /// <summary>Reads the next message. False: the socket is closed, broken or aborted.</summary>
    public async ValueTask<bool> ReadAsync()
    {
        _frame = default;
        WireBytes = 0;
        _parts.ResetWrittenCount();
        try
        {
            while (true)
            {
                switch (TryTake(out var isFinal, out var payload))
                {
                    case Text or Continuation when isFinal && _parts.WrittenCount == 0:
                        _frame = payload;
                        return true;
                    case Text or Continuation:
                        _parts.Write(payload.Span);
                        if (!isFinal)
                        {
                            break;
                        }

                        _frame = _parts.WrittenMemory;
                        return true;
                    case Ping:
                        await SendAsync(Pong, payload.ToArray(), CancellationToken.None);
                        break;
                    case Pong:
                        break;
                    case Close:
                        CloseCode = payload.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(payload.Span) : (int)WebSocketCloseStatus.Empty;
                        await SendAsync(Close, payload.ToArray(), CancellationToken.None);
                        return false;
                    case null when await FillAsync():
                        break;
                    default:
                        return false; // End of the stream, or an unexpected frame.
                }
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Breaks the connection without a close handshake, and ends a pending read.</summary>
    public void Abort() => Dispose();

    /// <summary>Closes with a handshake; errors of the server are ignored.</summary>
    public async Task CloseAsync(CancellationToken cancel)
    {
        try
        {
            if (CloseCode is null)
            {
                var code = new byte[2];
                BinaryPrimitives.WriteUInt16BigEndian(code, (ushort)WebSocketCloseStatus.NormalClosure);
                await SendAsync(Close, code, cancel);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // Already gone, as intended.
        }
    }

    public void Dispose() => _stream.Dispose();

    private static async Task<ChatConnection> UpgradeAsync(Uri address, string? subprotocol, int buffer, CancellationToken cancel)
    {
        var http = new UriBuilder(address) { Scheme = address.Scheme == "wss" ? "https" : "http" };
        using var request = new HttpRequestMessage(HttpMethod.Get, http.Uri) { Version = HttpVersion.Version11 };
        request.Headers.Connection.Add("Upgrade");
        request.Headers.Upgrade.Add(new("websocket"));
        request.Headers.Add("Sec-WebSocket-Version", "13");
        request.Headers.Add("Sec-WebSocket-Key", Convert.ToBase64String(RandomNumberGenerator.GetBytes(16)));
        if (subprotocol is not null)
        {
            request.Headers.Add("Sec-WebSocket-Protocol", subprotocol);
        }

        try
        {
            var response = await Http.SendAsync(request, cancel);
            if (response.StatusCode != HttpStatusCode.SwitchingProtocols)
            {
                response.Dispose();
                throw new WebSocketException($"It answers {(int)response.StatusCode} instead of 101.");
            }

            return new(await response.Content.ReadAsStreamAsync(cancel), buffer);
        }
        catch (HttpRequestException problem)
        {
            throw new WebSocketException(problem.Message, problem);
        }
    }

    /// <summary>Parses the next frame. Null: incomplete. -1: a frame that a server must not send.</summary>
    private int? TryTake(out bool isFinal, out ReadOnlyMemory<byte> payload)
    {
        (isFinal, payload) = (false, default);
        var come = _buffer.AsSpan(_start, _end - _start);
        if (come.Length < 2)
        {
            return null;
        }

        if ((come[1] & Masked) != 0)
        {
            return -1;
        }

        var (header, length) = (come[1] & Length) switch
        {
            126 => (4, come.Length < 4 ? 0 : BinaryPrimitives.ReadUInt16BigEndian(come[2..])),
            127 => (10, come.Length < 10 ? 0 : BinaryPrimitives.ReadInt64BigEndian(come[2..])),
            var small => (2, (long)small),
        };
        if (length is < 0 or > int.MaxValue / 2)
        {
            return -1;
        }

        if (come.Length < header + length)
        {
            return null;
        }

        isFinal = (come[0] & Final) != 0;
        payload = _buffer.AsMemory(_start + header, (int)length);
        _start += header + (int)length;
        WireBytes += header + (int)length;
        return come[0] & Opcode;
    }

    /// <summary>Reads more bytes. False: the stream has ended.</summary>
    private async ValueTask<bool> FillAsync()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length)
        {
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        var read = await _stream.ReadAsync(_buffer.AsMemory(_end), CancellationToken.None);
        _end += read;
        return read > 0;
    }

    private async Task SendAsync(int opcode, byte[] payload, CancellationToken cancel)
    {
        var header = payload.Length switch
        {
            < 126 => 2,
            <= ushort.MaxValue => 4,
            _ => 10,
        };
        var frame = new byte[header + 4 + payload.Length];
        frame[0] = (byte)(Final | opcode);
        frame[1] = (byte)(
            Masked
            | header switch
            {
                2 => payload.Length,
                4 => 126,
                _ => 127,
            }
        );
        if (header == 4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)payload.Length);
        }
        else if (header == 10)
        {
            BinaryPrimitives.WriteInt64BigEndian(frame.AsSpan(2), payload.Length);
        }

        var mask = frame.AsSpan(header, 4);
        RandomNumberGenerator.Fill(mask);
        for (var i = 0; i < payload.Length; i++)
        {
            frame[header + 4 + i] = (byte)(payload[i] ^ mask[i % 4]);
        }

        await _sending.WaitAsync(cancel);
        try
        {
            await _stream.WriteAsync(frame, cancel);
        }
        finally
        {
            _sending.Release();
        }
    }
}
