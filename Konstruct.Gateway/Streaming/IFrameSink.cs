using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Streaming;

/// <summary>Where a feed writes a socket's frames. Never blocks and never throws; a sink whose socket has ended drops frames.</summary>
internal interface IFrameSink
{
    /// <summary>Queues a frame.</summary>
    /// <param name="frame">The frame's bytes.</param>
    /// <param name="timing">What to measure after sending; default: nothing.</param>
    /// <param name="moreFollows">Another frame or <see cref="SendQueued"/> follows at once. The frame may wait for it while the queue has room.</param>
    void Send(ReadOnlyMemory<byte> frame, FrameTiming timing = default, bool moreFollows = false);

    /// <summary>Queues a v1 chunk, given as its escaped text. It may be merged with others while the client is slow.</summary>
    void SendChunk(ReadOnlyMemory<byte> escapedText, FrameTiming timing = default, bool moreFollows = false);

    /// <summary>Sends frames that were queued with <c>moreFollows</c>.</summary>
    void SendQueued();

    /// <summary>Completes when the queue is at most a quarter full, for senders with more frames than fit.</summary>
    Task RoomAsync();
}
