using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Text;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Sockets;
using Konstruct.Gateway.Streaming;
using Konstruct.Tests.Streaming;
using Xunit;

namespace Konstruct.Tests.Sockets;

/// <summary>Frames that are there together are one write to the connection; none of them waits for one that does not come.</summary>
public sealed class JoinedWritesTests(GatewayInside gateway) : IClassFixture<GatewayInside>
{
    [Fact]
    public async Task Frames_that_are_queued_together_are_one_write()
    {
        await using var wire = new Wire();
        wire.Writer.Send("one"u8.ToArray(), moreFollows: true);
        wire.Writer.Send("two"u8.ToArray(), moreFollows: true);
        Assert.Empty(wire.Writes);
        wire.Writer.Send("three"u8.ToArray());
        Assert.Equal(
            [
                ["one", "two", "three"],
            ],
            wire.Writes
        );

        wire.Writer.Send("four"u8.ToArray(), moreFollows: true);
        wire.Writer.SendQueued();
        wire.Writer.SendQueued();
        Assert.Equal(["four"], wire.Writes[^1]);
        Assert.Equal(2, wire.Writes.Count);
    }

    [Fact]
    public async Task Chunks_of_v1_likewise_and_each_stays_a_frame()
    {
        await using var wire = new Wire();
        wire.Writer.SendChunk("a"u8.ToArray(), moreFollows: true);
        wire.Writer.SendChunk("b"u8.ToArray(), moreFollows: true);
        wire.Writer.SendQueued();
        Assert.Equal(
            [
                ["""{"type":"chunk","text":"a"}""", """{"type":"chunk","text":"b"}"""],
            ],
            wire.Writes
        );
    }

    [Fact]
    public async Task What_is_joined_has_a_limit_and_a_large_frame_goes_alone()
    {
        await using var wire = new Wire();
        var (small, large) = (new string('s', 6_000), new string('l', 40_000));
        foreach (var frame in new[] { small, small, small, large, small })
        {
            wire.Writer.Send(Encoding.UTF8.GetBytes(frame), moreFollows: true);
        }

        wire.Writer.SendQueued();
        Assert.Equal(
            [
                [small, small],
                [small],
                [large],
                [small],
            ],
            wire.Writes
        );
    }

    /// <summary>Nobody says when the rest comes: the queue may be held back only while it has room.</summary>
    [Fact]
    public async Task A_queue_that_fills_is_sent_though_more_is_to_follow()
    {
        await using var wire = new Wire(new ChatOptions { MaxQueuedFrames = 8 });
        for (var i = 1; i <= 3; i++)
        {
            wire.Writer.Send(Encoding.UTF8.GetBytes($"{i}"), moreFollows: true);
        }

        Assert.Equal(
            [
                ["1", "2", "3"],
            ],
            wire.Writes
        );
    }

    [Fact]
    public async Task A_close_sends_what_was_to_wait()
    {
        await using var wire = new Wire();
        wire.Writer.Send("last"u8.ToArray(), moreFollows: true);
        wire.Writer.Close(1012, "");
        Assert.Equal(["last"], wire.Writes.SelectMany(frames => frames).Take(1));
        Assert.Equal(1012, BinaryPrimitives.ReadUInt16BigEndian(wire.LastPayload));
    }

    /// <summary>The last of the payloads that came together may have nothing for a socket whose frame waits.</summary>
    [Fact]
    public async Task Chunks_that_come_together_are_sent_together_whatever_comes_last()
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var feed = gateway.Feed(key);
        await using var wire = new Wire();
        var subscriber = new Subscriber(GatewayInside.User, wire.Writer, $"{key.ConversationId}");
        feed.Subscribers.Add(subscriber);
        feed.Subscribers.Join(subscriber, [], []);
        feed.OnPayload(StreamEvent.Accepted(turnId, "m"));
        byte[][] chunks = [.. Enumerable.Range(1, 3).Select(seq => StreamEvent.Chunk($"{seq} ", turnId, 1, seq))];
        feed.OnPayload(chunks[0], moreFollow: true);
        feed.OnPayload(chunks[1], moreFollow: true);
        feed.OnPayload(chunks[2], moreFollow: true);
        feed.OnPayload("nonsense"u8.ToArray());
        Assert.Equal(3, wire.Writes.Count); // The first are ready and typing.
        Assert.Equal(chunks.Select(Encoding.UTF8.GetString), wire.Writes[2]);
    }

    /// <summary>A server's socket, its writer, and what reaches the connection.</summary>
    private sealed class Wire : IAsyncDisposable
    {
        private readonly RecordedStream _connection = new();
        private readonly WebSocket _socket;

        public Wire(ChatOptions? options = null)
        {
            var stream = new JoiningStream(_connection);
            _socket = WebSocket.CreateFromStream(
                stream,
                new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = Timeout.InfiniteTimeSpan }
            );
            Writer = new(_socket, options ?? new ChatOptions(), stream: stream);
        }

        public FrameWriter Writer { get; }

        /// <summary>The frames of each write, as text.</summary>
        public IReadOnlyList<string[]> Writes => [.. _connection.Writes.Select(write => FramesOf(write).Select(Encoding.UTF8.GetString).ToArray())];

        public byte[] LastPayload => FramesOf(_connection.Writes[^1]).Last();

        public async ValueTask DisposeAsync()
        {
            await Writer.DisposeAsync();
            _socket.Dispose();
        }

        /// <summary>Frames of a server: no mask; two bytes, and for longer ones two or eight of length (RFC 6455, 5.2).</summary>
        private static IEnumerable<byte[]> FramesOf(byte[] write)
        {
            for (var at = 0; at < write.Length; )
            {
                var (length, head) = write[at + 1] switch
                {
                    126 => (BinaryPrimitives.ReadUInt16BigEndian(write.AsSpan(at + 2)), 4),
                    127 => ((int)BinaryPrimitives.ReadUInt64BigEndian(write.AsSpan(at + 2)), 10),
                    var small => ((int)small, 2),
                };
                yield return write[(at + head)..(at + head + length)];
                at += head + length;
            }
        }
    }

    /// <summary>Takes every write at once and keeps it; never has anything to read.</summary>
    private sealed class RecordedStream : MemoryStream
    {
        public List<byte[]> Writes { get; } = [];

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Writes.Add(buffer.ToArray());
            return default;
        }
    }
}
