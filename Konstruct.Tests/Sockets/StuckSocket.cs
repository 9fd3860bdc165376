using System.Net.WebSockets;
using System.Text;

namespace Konstruct.Tests.Sockets;

/// <summary>A socket whose client reads when the test says so.</summary>
internal sealed class StuckSocket : WebSocket
{
    private readonly SemaphoreSlim _reads = new(0);
    private readonly List<string> _frames = [];

    /// <summary>What has got through.</summary>
    public IReadOnlyList<string> Frames
    {
        get
        {
            lock (_frames)
            {
                return [.. _frames];
            }
        }
    }

    public int? ClosedWith { get; private set; }

    public override WebSocketCloseStatus? CloseStatus => null;

    public override string? CloseStatusDescription => null;

    public override WebSocketState State => WebSocketState.Open;

    public override string? SubProtocol => null;

    /// <summary>The client reads this many frames.</summary>
    public void Read(int frames = int.MaxValue / 2) => _reads.Release(frames);

    public override async Task SendAsync(
        ArraySegment<byte> buffer,
        WebSocketMessageType messageType,
        bool endOfMessage,
        CancellationToken cancellationToken
    )
    {
        var frame = Encoding.UTF8.GetString(buffer);
        await _reads.WaitAsync(cancellationToken);
        lock (_frames)
        {
            _frames.Add(frame);
        }
    }

    public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken)
    {
        ClosedWith = (int)closeStatus;
        return Task.CompletedTask;
    }

    public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    public override void Abort() { }

    public override void Dispose() => _reads.Dispose();
}
