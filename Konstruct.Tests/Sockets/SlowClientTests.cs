using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Sockets;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Sockets;

/// <summary>The process's memory is measured: nothing else may run meanwhile.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class MeasuresMemory;

/// <summary>Clients that read slower than an answer is written: what waits is merged or bounded, and nobody waits for them.</summary>
[Collection<MeasuresMemory>]
public sealed class SlowClientTests
{
    /// <summary>A quarter of it is where chunks begin to be merged.</summary>
    private static readonly ChatOptions Short = new() { MaxQueuedFrames = 16 };

    [Fact]
    public async Task The_first_chunks_go_as_they_are_and_what_waits_behind_them_becomes_one_frame_with_the_same_text()
    {
        using var socket = new StuckSocket();
        await using var writer = new FrameWriter(socket, Short);
        var first = Enumerable.Range(0, 6).Select(i => $"{i} ").ToList(); // One is on its way, and more than a quarter of the queue waits.
        string[] rest = ["two\\n", "\\\"three\\\" ", "fünf ", "🙂"];
        foreach (var token in first.Concat(rest))
        {
            writer.SendChunk(Encoding.UTF8.GetBytes(token));
        }

        writer.Send("""{"type":"done"}"""u8.ToArray());
        writer.SendChunk("next"u8.ToArray());
        socket.Read();

        await Until.TrueAsync(() => Task.FromResult(socket.Frames.Count == 9));
        Assert.Equal(first.Select(token => $$"""{"type":"chunk","text":"{{token}}"}"""), socket.Frames.Take(6));
        Assert.Equal("two\n\"three\" fünf 🙂", TextOf(socket.Frames[6]));
        Assert.Equal("""{"type":"done"}""", socket.Frames[7]);
        Assert.Equal("next", TextOf(socket.Frames[8]));
    }

    [Fact]
    public async Task A_long_wait_makes_frames_of_a_size_that_a_client_sees_grow()
    {
        using var socket = new StuckSocket();
        await using var writer = new FrameWriter(socket, Short);
        var text = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"{i} "));
        foreach (var token in text.Chunk(7))
        {
            writer.SendChunk(Encoding.UTF8.GetBytes(token));
        }

        writer.Send("""{"type":"done"}"""u8.ToArray());
        socket.Read();

        await Until.TrueAsync(() => Task.FromResult(socket.Frames.Count > 0 && socket.Frames[^1].Contains("done", StringComparison.Ordinal)));
        var chunks = socket.Frames.SkipLast(1).ToList();
        Assert.Equal(text, string.Concat(chunks.Select(TextOf)));
        Assert.All(chunks, frame => Assert.InRange(frame.Length, 1, 20_000));
        Assert.InRange(chunks.Count, 2, 20);
    }

    [Fact]
    public async Task A_socket_that_was_sent_much_at_once_keeps_no_room_for_it()
    {
        using var socket = WebSocket.CreateFromStream(Stream.Null, new WebSocketCreationOptions { IsServer = true });
        var writers = Enumerable.Range(0, 1_000).Select(_ => new FrameWriter(socket, new ChatOptions())).ToList();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        foreach (var writer in writers)
        {
            for (var i = 0; i < 500; i++)
            {
                writer.SendChunk("token "u8.ToArray(), moreFollows: true);
            }

            writer.SendQueued();
        }

        // Room for 500 frames in each would be 20 MB.
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 8 * 1024 * 1024);
        foreach (var writer in writers)
        {
            await writer.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_waits_for_one_socket_is_bounded_in_memory_and_then_it_is_closed_with_4008(bool isV1)
    {
        var options = new ChatOptions { MaxQueuedFrames = 1_000_000, MaxQueuedBytes = 1024 * 1024 };
        using var socket = new StuckSocket();
        await using var writer = new FrameWriter(socket, options);
        var token = Encoding.UTF8.GetBytes(new string('x', 100));
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var bytes = 0; bytes < options.MaxQueuedBytes * 9 / 10; bytes += token.Length)
        {
            if (isV1)
            {
                writer.SendChunk(token.ToArray());
            }
            else
            {
                writer.Send(token.ToArray());
            }
        }

        var (held, closedTooSoon) = (GC.GetTotalMemory(forceFullCollection: true) - before, socket.ClosedWith);
        for (var i = 0; i < 2_000; i++)
        {
            writer.Send(token);
        }

        socket.Read();

        await Until.TrueAsync(() => Task.FromResult(socket.ClosedWith == 4008));
        Assert.Single(socket.Frames); // The one that was on its way.

        // Asserted once the client reads: the writer's disposal would wait for it. Objects around the bytes cost less than the bytes.
        Assert.InRange(held, options.MaxQueuedBytes / 2, 2L * options.MaxQueuedBytes);
        Assert.Null(closedTooSoon);
    }

    private static string TextOf(string frame) => JsonElement.Parse(frame).GetProperty("text").GetString()!;
}
