using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Celery;

/// <summary>A broker of its own that goes away and comes back: an accepted message is sent once, or fails at its deadline.</summary>
[Collection<Sharing<CeleryPipeline<OnGarnet>>>]
[Trait("Tier", "Long")]
public sealed class CeleryBrokerTests(CeleryPipeline<OnGarnet> fixture) : CeleryTestBase(fixture)
{
    [Fact]
    public async Task A_message_that_is_accepted_while_the_broker_is_down_is_sent_when_it_is_back()
    {
        await using var broker = await RedisServer.StartAsync(RedisKind.Garnet);
        await using var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["ConnectionStrings__celery"] = $"{broker.ConnectionString},syncTimeout=1000,asyncTimeout=1000" }
        );
        await broker.KillServerAsync();
        await using var chat = await OpenV2Async(gateway);
        await chat.SayAsync("hello", "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await Until.TrueAsync(() =>
            Task.FromResult(gateway.Log.Contains($"Turn {turn} is stored but could not be dispatched", StringComparison.Ordinal))
        );
        await broker.StartServerAsync();
        await using var worker = await CeleryWorker.StartAsync(Pipeline.Redis, broker);
        Assert.Equal("hello ", (await chat.ReadToAsync("done"))[^1].Text);
        Assert.Single(await SeenAsync(turn));
    }

    /// <summary>
    /// It was dated by the next turn's own dispatch, which is later than its acceptance. If that dispatch failed, nobody could say whether the task was sent,
    /// and the turn waited for its deadline.
    /// </summary>
    [Fact]
    public async Task A_broker_that_lost_its_data_is_dated_before_a_message_comes()
    {
        await using var broker = await RedisServer.StartAsync(RedisKind.Redis);
        await using var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["ConnectionStrings__celery"] = broker.ConnectionString }
        );
        await broker.FlushAsync();
        await Until.TrueAsync(() => broker.Database.KeyExistsAsync("{celery}:konstruct:since"));
    }

    /// <summary>
    /// With <c>acks_late</c> Celery delivers the task again, and the turn ends with that delivery's text. The broker is redis-server: Garnet may give the
    /// restored task to the blocked connection of the dead worker.
    /// </summary>
    [Fact]
    public async Task A_task_whose_worker_died_is_answered_by_the_next_worker()
    {
        await using var broker = await RedisServer.StartAsync(RedisKind.Redis);
        await using var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["ConnectionStrings__celery"] = broker.ConnectionString }
        );
        await using var chat = await OpenV2Async(gateway);
        await chat.SayAsync(Steps(("chunk", "a"), ("wait", "go"), ("done", "the answer")), "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await using (var doomed = await CeleryWorker.StartAsync(Pipeline.Redis, broker))
        {
            await chat.NextAsync("chunk");
            await doomed.KillAsync();
        }

        await using var worker = await CeleryWorker.StartAsync(Pipeline.Redis, broker, visibilityTimeout: 0);
        await SeenAsync(turn, deliveries: 2);
        foreach (var _ in Enumerable.Range(0, 5))
        {
            await GoAsync(); // The server may give the first to the connection of the dead worker.
        }

        Assert.Equal("the answer", (await chat.ReadToAsync("done"))[^1].Text);
        Assert.Equal(["completed: the answer"], await AnswersAsync());
    }

    /// <summary>The task is on the queue, and the gateway does not know: it asks, and sends nothing twice.</summary>
    [Fact]
    public async Task A_task_whose_reply_is_lost_is_not_sent_twice()
    {
        await using var broker = await RedisServer.StartAsync(RedisKind.Garnet);
        await using var proxy = new TcpProxy(broker.Port);
        await using var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string>
            {
                ["ConnectionStrings__celery"] = broker.ConnectionString.Replace($":{broker.Port}", $":{proxy.Port}", StringComparison.Ordinal),
            }
        );
        await using var chat = await OpenV2Async(gateway);
        var lost = proxy.LoseReplyToAsync(":konstruct:sent:");
        await chat.SayAsync(Steps(("chunk", "a"), ("wait", "go"), ("done", "a")), "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await lost;
        await using var worker = await CeleryWorker.StartAsync(Pipeline.Redis, broker);
        await chat.NextAsync("chunk");

        // The watch asks the broker through the same connection; what it would send again waits behind the answer on the list.
        await Until.TrueAsync(() =>
            Task.FromResult(gateway.Log.Contains($"Turn {turn} is stored but could not be dispatched", StringComparison.Ordinal))
        );
        await GoAsync();
        Assert.Equal("a", (await chat.NextAsync("done")).Text);
        await chat.SayAsync("next", "n");
        Assert.Equal("next ", (await chat.ReadToAsync("done"))[^1].Text);
        Assert.Single(await SeenAsync(turn));
        Assert.Equal(0, await broker.Database.ListLengthAsync("celery"));
    }

    /// <summary>The broker refuses to write: nothing was sent, and the gateway sends it when the broker takes it.</summary>
    [Fact]
    public async Task A_message_that_the_broker_refuses_is_sent_when_it_takes_it()
    {
        Requirement.Redis.Require();
        await using var broker = await RedisServer.StartAsync(RedisKind.Redis);
        await using var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["ConnectionStrings__celery"] = broker.ConnectionString }
        );
        await using var worker = await CeleryWorker.StartAsync(Pipeline.Redis, broker);
        await broker.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "1");
        await using var chat = await OpenV2Async(gateway);
        await chat.SayAsync("hello", "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await Until.TrueAsync(() =>
            Task.FromResult(gateway.Log.Contains($"Turn {turn} is stored but could not be dispatched", StringComparison.Ordinal))
        );
        await broker.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        Assert.Equal("hello ", (await chat.ReadToAsync("done"))[^1].Text);
        Assert.Single(await SeenAsync(turn));
    }
}
