using System.Buffers;
using System.Net.WebSockets;
using Konstruct.Contracts.Wire;

namespace Konstruct.Gateway.Sockets;

/// <summary>The pump: sends queued frames in order.</summary>
internal sealed partial class FrameWriter
{
    private void StartPump()
    {
        if (!_pumping)
        {
            _pumping = true;
            _pump = PumpAsync();
        }
    }

    /// <summary>Runs on the caller's thread until a send blocks, which is rare.</summary>
    private async Task PumpAsync()
    {
        byte[] made = []; // Buffer of the last v1 chunk, reused for the next.
        try
        {
            (int Code, string Reason)? close;
            var gathered = 0;
            while (TryTake(out var frame, out var next, out close))
            {
                var isKept = stream is not null && next > 0 && gathered + frame.Length + next <= MostAtOnce;
                gathered = isKept ? gathered + frame.Length : 0;
                stream?.MoreFollows = isKept;

                // No token: a cancellable send takes a slower path through the WebSocket, with a registration and a
                // state machine per frame. A blocked send is ended by aborting the socket.
                await socket.SendAsync(frame.IsText ? Make(frame, ref made) : frame.Bytes, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
                Sent();
                if (frame.Timing.IsMeasured)
                {
                    metrics?.FrameSent(frame.Timing);
                }
            }

            stream?.MoreFollows = false;
            if (close is var (code, reason) && socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                await socket.CloseOutputAsync((WebSocketCloseStatus)code, reason, CancellationToken.None);
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or ObjectDisposedException or IOException or InvalidOperationException)
        {
            // The client is gone or did not take the close frame.
            Abandon();
        }
        catch
        {
            Abandon(); // A bug: the socket must not stay open without a writer. DisposeAsync rethrows it.
            throw;
        }
        finally
        {
            Sent();
            Return(made);
        }
    }

    private void Sent()
    {
        queues?.Count(-_sending);
        _sending = 0;
    }

    private static ReadOnlyMemory<byte> Make(QueuedFrame chunk, ref byte[] made)
    {
        if (made.Length < chunk.Length)
        {
            Return(made);
            made = ArrayPool<byte>.Shared.Rent(chunk.Length);
        }

        ServerFrames.WriteChunk(made, chunk.Bytes.Span);
        return made.AsMemory(0, chunk.Length);
    }

    private static void Return(byte[] made)
    {
        if (made.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(made);
        }
    }

    /// <summary>Takes the next frame. False: only the close frame is left, if any. One step under the
    /// gate, so that only one pump sends the close frame.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="next">Size in bytes of the frame behind it; 0: none yet.</param>
    /// <param name="close">Close code and reason; null: do not close.</param>
    private bool TryTake(out QueuedFrame frame, out int next, out (int Code, string Reason)? close)
    {
        lock (_gate)
        {
            close = _close;
            next = 0;
            if (Waiting == 0)
            {
                Seal();
            }

            if (Waiting > 0)
            {
                frame = _frames!.Dequeue();
                _queuedBytes -= frame.Length; // The total of all queues includes it until it is sent.
                _sending = frame.Length;
                next = _frames.TryPeek(out var behind) ? behind.Length : 0;
                if (_room is not null && HasRoom())
                {
                    _room.TrySetResult();
                    _room = null;
                }

                return true;
            }

            frame = default;
            GiveBack();

            // While closing, the pump stays "running", so that no other can start.
            _pumping = close is not null;
            return false;
        }
    }

    private void Abandon()
    {
        lock (_gate)
        {
            _finished = true;
            Drop();
            _room?.TrySetResult();
        }

        socket.Abort();
    }
}
