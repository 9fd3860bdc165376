using System.Net.WebSockets;

namespace Konstruct.Load.Client;

/// <summary>One WebSocket: connects, sends, and hands out whole frames.</summary>
internal sealed class ChatConnection : IDisposable
{
    private static readonly HttpMessageInvoker Handler = new(new SocketsHttpHandler { UseProxy = false });

    private readonly ClientWebSocket _socket = new();
    private byte[] _buffer;
    private int _length;

    private ChatConnection(int buffer)
    {
        _buffer = new byte[buffer];
        _socket.Options.KeepAliveInterval = TimeSpan.Zero;
    }

    /// <summary>The code that the server closed with; null: none came.</summary>
    public int? CloseCode => (int?)_socket.CloseStatus;

    /// <summary>The frame that was read last; valid until the next read.</summary>
    public ReadOnlySpan<byte> Frame => _buffer.AsSpan(0, _length);

    /// <summary>How many bytes the last frame took on the wire: its payload and its header, unmasked.</summary>
    public int WireBytes => _length + (_length < 126 ? 2 : _length <= ushort.MaxValue ? 4 : 10);

    /// <exception cref="WebSocketException">The server refused, or is not there.</exception>
    public static async Task<ChatConnection> OpenAsync(Uri server, Dialect dialect, Person person, string jwtKey, int buffer, CancellationToken cancel)
    {
        var connection = new ChatConnection(buffer);
        try
        {
            if (dialect == Dialect.V2)
            {
                connection._socket.Options.AddSubProtocol("konstruct.chat.v2");
            }

            await connection._socket.ConnectAsync(dialect.AddressOf(server, person.Conversation), Handler, cancel);
            foreach (var frame in dialect.Auth(person, jwtKey))
            {
                await connection.SendAsync(frame, cancel);
            }

            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public Task SendAsync(byte[] frame, CancellationToken cancel) =>
        _socket.SendAsync(frame.AsMemory(), WebSocketMessageType.Text, endOfMessage: true, cancel).AsTask();

    /// <summary>Reads the next frame. False: the socket is closed or broken.</summary>
    public async ValueTask<bool> ReadAsync(CancellationToken cancel)
    {
        _length = 0;
        try
        {
            while (true)
            {
                if (_length == _buffer.Length)
                {
                    Array.Resize(ref _buffer, _buffer.Length * 2);
                }

                var part = await _socket.ReceiveAsync(_buffer.AsMemory(_length), cancel);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancel);
                    return false;
                }

                _length += part.Count;
                if (part.EndOfMessage)
                {
                    return true;
                }
            }
        }
        catch (WebSocketException)
        {
            return false;
        }
        catch (Exception exception) when (exception is ObjectDisposedException || (exception is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return false; // Aborted here, between two reads or during one: a storm.
        }
    }

    /// <summary>Breaks the connection without a word.</summary>
    public void Abort() => _socket.Abort();

    /// <summary>Leaves in order; a server that does not take it is left alone.</summary>
    public async Task CloseAsync(CancellationToken cancel)
    {
        try
        {
            if (_socket.State == WebSocketState.Open)
            {
                await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancel);
            }
        }
        catch (WebSocketException)
        {
            // It is gone already, which is what was wanted.
        }
    }

    public void Dispose() => _socket.Dispose();
}
