using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Sockets;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Microsoft.Extensions.Options;
using Xunit;

namespace Konstruct.Tests.Sockets;

/// <summary>Clients that stop reading, each within its own bound: all their queues together have one, too.</summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class QueueMemoryTests(UsualPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    private static readonly ChatOptions Limits = new() { MaxQueuedBytesInAll = 100_000 };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_socket_with_the_longest_queue_is_closed_whoever_asks_for_the_memory(bool isV1)
    {
        var queues = new SendQueues(Options.Create(Limits), TimeProvider.System);
        var sockets = Enumerable.Range(0, 3).Select(_ => new StuckSocket()).ToList();
        var writers = sockets.Select(socket => new FrameWriter(socket, Limits, queues: queues)).ToList();
        writers.ForEach(queues.Add);
        Send(writers[0], 3);
        Send(writers[1], 6);
        Assert.Equal(9, queues.Bytes / 10_000);

        Send(writers[2], 2);
        Assert.Equal(6, queues.Bytes / 10_000); // Three, two, and the one that is on its way to the slowest.
        sockets.ForEach(socket => socket.Read());
        await Until.TrueAsync(() => Task.FromResult(sockets[1].ClosedWith == 4008 && queues.Bytes == 0));
        Assert.Equal([3, 1, 2], sockets.Select(socket => socket.Frames.Count));
        Assert.Equal([null, 4008, null], sockets.Select(socket => socket.ClosedWith));
        foreach (var (writer, socket) in writers.Zip(sockets))
        {
            await writer.DisposeAsync();
            socket.Dispose();
        }

        void Send(FrameWriter writer, int frames)
        {
            for (var i = 0; i < frames; i++)
            {
                if (isV1)
                {
                    writer.SendChunk(new byte[10_000]);
                }
                else
                {
                    writer.Send(new byte[10_000]);
                }
            }
        }
    }

    [Fact]
    public async Task What_was_counted_is_given_back_however_a_socket_ends()
    {
        var queues = new SendQueues(Options.Create(Limits), TimeProvider.System);
        using var socket = new StuckSocket();
        var left = new FrameWriter(socket, Limits, queues: queues);
        queues.Add(left);
        for (var i = 0; i < 5; i++)
        {
            left.Send(new byte[10_000]);
        }

        var leaving = left.DisposeAsync();
        Assert.Equal(10_000, queues.Bytes);
        socket.Read();
        await leaving;

        Assert.Equal(0, queues.Bytes);
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_closed_with_4008_and_one_that_does_stays()
    {
        var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string>
            {
                ["Chat__MaxQueuedBytes"] = $"{256 * 1024 * 1024}",
                ["Chat__MaxQueuedFrames"] = "1000000",
                ["Chat__MaxQueuedBytesInAll"] = $"{2 * 1024 * 1024}",
            }
        );
        var (person, conversation) = (Person.New(), Guid.NewGuid());
        var (reader, _) = await RawChat.OpenV2Async(gateway, person, conversation);
        var (sleeper, _) = await RawChat.OpenV2Async(gateway, person, conversation);

        // More than the buffers between the two hold: some MB.
        for (var i = 0; i < 100; i++)
        {
            await reader.SayAsync("/giant 100000", $"{i}");
            await reader.ReadToAsync("done");
        }

        while (await sleeper.ReceiveAsync() is not null)
        {
            // What it had been sent before.
        }

        Assert.Equal(4008, sleeper.CloseCode);
        await reader.DisposeAsync();
        await sleeper.DisposeAsync();
    }
}
