using System.Buffers;
using System.Net.WebSockets;

namespace Konstruct.Gateway.Sockets;

/// <summary>What a read brought.</summary>
internal enum ReadOutcome
{
    /// <summary>A whole text frame.</summary>
    Text,

    /// <summary>A whole binary frame, which the protocol does not have. Its bytes are dropped.</summary>
    Binary,

    /// <summary>More bytes than allowed.</summary>
    TooBig,

    /// <summary>The client closed or is gone.</summary>
    Closed,
}

/// <summary>
/// Reads whole frames. While it waits it holds no buffer: a read of zero bytes tells when there is something (4.5 KB an idle socket were measured).
/// </summary>
internal sealed class FrameReader(WebSocket socket, int maxBytes) : IDisposable
{
    private const int FirstBuffer = 4096;

    private byte[]? _buffer;
    private int _length;

    /// <summary>What came was no WebSocket frame or no UTF-8: the WebSocket layer has sent its close frame, and nothing can be read any more.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>The frame that was read last; valid until the next read.</summary>
    public ReadOnlyMemory<byte> Frame => _buffer.AsMemory(0, _length);

    /// <summary>Reads the next frame. What must end a read aborts the socket: a token would be registered for as long as the socket says nothing.</summary>
    public async Task<ReadOutcome> ReadAsync()
    {
        Return();
        try
        {
            var waiting = await socket.ReceiveAsync(Memory<byte>.Empty, CancellationToken.None);
            if (waiting.MessageType == WebSocketMessageType.Close)
            {
                return ReadOutcome.Closed;
            }

            if (waiting.EndOfMessage)
            {
                return TypeOf(waiting); // An empty frame is over before a buffer is wanted.
            }

            _buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
            while (true)
            {
                if (_length == _buffer.Length)
                {
                    Grow();
                }

                // A receive waits until what it is given is full: one byte more than allowed is enough to know.
                var room = Math.Min(_buffer.Length, maxBytes + 1) - _length;
                var result = await socket.ReceiveAsync(_buffer.AsMemory(_length, room), CancellationToken.None);
                _length += result.Count;
                if (result.MessageType == WebSocketMessageType.Close)
                {
                    return ReadOutcome.Closed;
                }

                if (_length > maxBytes)
                {
                    return ReadOutcome.TooBig;
                }

                if (result.EndOfMessage)
                {
                    return TypeOf(result);
                }
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or IOException)
        {
            IsBroken |= exception is WebSocketException { WebSocketErrorCode: WebSocketError.Faulted };
            return ReadOutcome.Closed; // Gone without a close frame, or cut off by us.
        }
    }

    public void Dispose() => Return();

    private static ReadOutcome TypeOf(ValueWebSocketReceiveResult result) =>
        result.MessageType == WebSocketMessageType.Text ? ReadOutcome.Text : ReadOutcome.Binary;

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(_buffer!.Length * 2);
        _buffer.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private void Return()
    {
        if (_buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = null;
        }

        _length = 0;
    }
}
