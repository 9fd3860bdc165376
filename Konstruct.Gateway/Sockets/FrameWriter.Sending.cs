using System.Buffers;
using System.Net.WebSockets;
using Konstruct.Contracts.Wire;

namespace Konstruct.Gateway.Sockets;

/// <summary>The pump: what is queued goes to the socket, one frame after another.</summary>
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

    /// <summary>Runs on the caller's thread until a send has to wait, which it hardly ever does.</summary>
    private async Task PumpAsync()
    {
        byte[] made = []; // The last chunk of v1. The next one takes its place when it has been sent.
        try
        {
            (int Code, string Reason)? close;
            var gathered = 0;
            while (TryTake(out var frame, out var next, out close))
            {
                var isKept = stream is not null && next > 0 && gathered + frame.Length + next <= MostAtOnce;
                gathered = isKept ? gathered + frame.Length : 0;
                stream?.MoreFollows = isKept;

                // Without a token: a send that could be cancelled takes a slower way through the WebSocket, with a registration and a state machine for
                // each frame. What must end a send that is stuck aborts the socket.
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
            // The client is gone, or never took the close frame: there is nobody to tell.
            Abandon();
        }
        catch
        {
            Abandon(); // A bug: the socket must not stay open without a writer. Whoever disposes of this hears of it.
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

    /// <summary>False: nothing is left but the close frame, if there is to be one. Decided in one step, so that only one pump sends it.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="next">How many bytes the frame behind it has; 0: there is none yet.</param>
    /// <param name="close">How to close.</param>
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
                _queuedBytes -= frame.Length; // It counts with all queues until it has been sent.
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

            // While closing, the pump stays "running": nothing may start another.
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
