using System.Collections.Concurrent;
using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV2;
using StackExchange.Redis;
using Xunit;

namespace Konstruct.Tests.Streaming;

/// <summary>
/// What is different on a Redis Cluster: a script may use the keys of one slot only, a channel has no slot, and what one node publishes the others must hear. The
/// whole of version 2 runs there as well (<c>…OnCluster</c>).
/// </summary>
[Collection<Sharing<ReplicatedPipeline<OnCluster>>>]
public sealed class ClusterTests(ReplicatedPipeline<OnCluster> fixture) : PipelineTests(fixture)
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    /// <summary>Conversations enough that no node goes without one, but for a chance of one in ten million.</summary>
    [Fact]
    public async Task Conversations_are_spread_over_the_nodes_and_each_answer_is_whole()
    {
        var person = Person.New();
        await Task.WhenAll(
            Enumerable
                .Range(0, 40)
                .Select(async i =>
                {
                    await using var chat = (await RawChat.OpenV2Async(Gateway, person, Guid.NewGuid())).Chat;
                    var text = $"/burst 5 of conversation {i}";
                    await chat.SayAsync(text, "m");
                    Assert.Equal(Answers.Of(text), (await chat.ReadToAsync("done"))[^1].Json.GetProperty("text").GetString());
                })
        );
        Assert.All(await Pipeline.Redis.KeysOfNodesAsync(), keys => Assert.True(keys > 0));
    }

    /// <summary>A gateway is connected to all nodes and subscribed through one; which one is the client library's affair.</summary>
    [Fact]
    public async Task What_a_script_publishes_on_any_node_is_heard_through_every_node()
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync($"{Pipeline.Redis.ConnectionString},allowAdmin=true");
        var log = new TurnLog(redis);
        var keys = await OneConversationOnEachNodeAsync(redis);
        var nodes = await Task.WhenAll(
            redis
                .GetEndPoints()
                .Select(node =>
                    ConnectionMultiplexer.ConnectAsync(
                        new ConfigurationOptions
                        {
                            EndPoints = { node },
                            Password = ConfigurationOptions.Parse(Pipeline.Redis.ConnectionString).Password,
                            // Only this node: the library would otherwise find the others and go where it likes.
                            CommandMap = CommandMap.Create(["CLUSTER"], available: false),
                        }
                    )
                )
        );
        var heard = new ConcurrentBag<(int Node, RedisChannel Channel)>();
        foreach (var (number, node) in nodes.Index())
        {
            foreach (var key in keys)
            {
                await node.GetSubscriber().SubscribeAsync(key.Channel, (channel, _) => heard.Add((number, channel)));
            }
        }

        foreach (var key in keys)
        {
            Assert.Equal(LogWrite.Written, await log.OpenAsync(key, "claim"));
            Assert.Equal(LogWrite.Written, await log.AppendAsync(key, "claim", 1, [StreamEvent.Chunk("a", key.TurnId, 1, 1)], 1_000));
        }

        await Until.TrueAsync(() => Task.FromResult(heard.Count == nodes.Length * keys.Count));
        Assert.Equal(nodes.Length * keys.Count, heard.Distinct().Count());
        foreach (var node in nodes)
        {
            await node.DisposeAsync();
        }
    }

    /// <summary>A script whose keys were in two slots would be refused with CROSSSLOT. A database beside the pipeline's own: its workers would take the entries.</summary>
    [Fact]
    public async Task Every_script_keeps_to_one_slot()
    {
        await using var server = await RedisServer.StartAsync(RedisKind.Cluster);
        await using var redis = await ConnectionMultiplexer.ConnectAsync($"{server.ConnectionString},allowAdmin=true");
        var (log, queue) = (new TurnLog(redis), new DispatchQueue(redis));
        foreach (var key in await OneConversationOnEachNodeAsync(redis))
        {
            await queue.EnqueueAsync(MessageOf(key));
            Assert.Equal([DispatchState.Waiting], await queue.InspectAsync([key.Entry]));
            Assert.Equal(key.Entry, Assert.Single(await queue.ClaimAsync(Lease, 1)).Entry);
            Assert.Empty(await queue.RenewAsync(Lease, [key.Entry]));
            Assert.Equal(LogWrite.Written, await log.OpenAsync(key, "claim"));
            Assert.Equal(
                LogWrite.Written,
                await log.AppendAsync(key, "claim", 1, [StreamEvent.Chunk("a", key.TurnId, 1, 1), StreamEvent.Chunk("b", key.TurnId, 1, 2)], 1_000)
            );
            Assert.Equal(LogWrite.Written, await log.FinishAsync(key, "claim", 3, TurnOutcome.Completed, "ab"));
            await log.CancelAsync(key);
            Assert.Equal(TurnOutcome.Completed, (await log.ReadStateAsync(key.ConversationId, key.TurnId)).Outcome);
            Assert.Equal("ab", (await log.ReadTextAsync(key.ConversationId, key.TurnId, 1)).Text);
            await queue.AnswerAsync(key.Entry);
            Assert.Equal([DispatchState.Answered], await queue.InspectAsync([key.Entry]));
            await Until.TrueAsync(async () => (await queue.StaleAsync(TimeSpan.Zero, 10)).Any(stale => stale.Entry == key.Entry));
            await queue.RemoveAsync(key.Entry);
            Assert.Equal([DispatchState.Missing], await queue.InspectAsync([key.Entry]));
        }
    }

    private static async Task<IReadOnlyList<AttemptKey>> OneConversationOnEachNodeAsync(ConnectionMultiplexer redis)
    {
        var nodes = (await redis.GetServers()[0].ClusterNodesAsync())!;
        var keys = new Dictionary<string, AttemptKey>();
        while (keys.Count < redis.GetEndPoints().Length)
        {
            var conversation = Guid.NewGuid();
            var turn = Guid.NewGuid();
            var node = nodes.GetBySlot(RedisKeys.Turn(conversation, turn))!;
            keys.TryAdd(
                node.NodeId,
                new(conversation, turn, 1, new ResponseChannel(ResponseChannel.DefaultTemplate).For(Guid.NewGuid(), conversation))
            );
        }

        return [.. keys.Values];
    }

    private static KonstructMessage MessageOf(AttemptKey key) =>
        new()
        {
            Id = Guid.NewGuid(),
            TenantId = Guid.NewGuid(),
            ChannelMetadata = new("u", Guid.NewGuid(), key.ConversationId),
            Sender = new("u", "U"),
            Content = new("hello"),
            Timestamp = DateTimeOffset.UnixEpoch,
            ThreadId = key.ConversationId,
            ConversationId = key.ConversationId,
            PortalUserId = "u",
            AgentId = "a",
            TurnId = key.TurnId,
            Attempt = key.Attempt,
        };
}
