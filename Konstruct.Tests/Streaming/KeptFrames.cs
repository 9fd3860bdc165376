using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Streaming;

/// <summary>A socket that takes every frame at once and keeps it.</summary>
internal sealed class KeptFrames : WebSocket
{
    private readonly ConcurrentQueue<FrameV2> _frames = new();

    public IReadOnlyList<FrameV2> All => [.. _frames];

    public override WebSocketCloseStatus? CloseStatus => null;

    public override string? CloseStatusDescription => null;

    public override WebSocketState State => WebSocketState.Open;

    public override string? SubProtocol => RawChatV2.Subprotocol;

    public override Task SendAsync(
        ArraySegment<byte> buffer,
        WebSocketMessageType messageType,
        bool endOfMessage,
        CancellationToken cancellationToken
    )
    {
        _frames.Enqueue(FrameV2.Parse(Encoding.UTF8.GetString(buffer)));
        return Task.CompletedTask;
    }

    public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    public override void Abort() { }

    public override void Dispose() { }
}
