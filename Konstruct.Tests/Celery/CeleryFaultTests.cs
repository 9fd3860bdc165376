using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Celery;

/// <summary>What a worker publishes that it should not, and what clients see of it.</summary>
public abstract class CeleryFaultTests(CeleryPipeline fixture) : CeleryTestBase(fixture)
{
    [Fact]
    public async Task Garbage_between_chunks_is_skipped()
    {
        await using var chat = await OpenV2Async();
        await chat.SayAsync(
            Steps(
                ("raw", "not JSON"),
                ("chunk", "a"),
                ("raw", """[{"type": "chunk", "text": "in an array"}]"""),
                ("raw", """{"type": "response", "text": "the older word"}"""),
                ("raw", """{"type": "chunk", "text": "of another turn", "turn_id": "11111111-1111-4111-8111-111111111111"}"""),
                ("raw", """{"type": "chunk", "text": "half \ud83d"}"""),
                ("chunk", ""),
                ("chunk", "b"),
                ("done", "ab")
            ),
            "m"
        );
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        Assert.Equal(Expected(Conversation, turn, ["a", "half \uFFFD", "b"], "ab"), (await chat.ReadToAsync("done")).Select(frame => frame.Bytes));
        Assert.Equal(["completed: ab"], await AnswersAsync());
    }

    [Fact]
    public async Task What_follows_done_changes_nothing()
    {
        await using var chat = await OpenV2Async();
        await chat.SayAsync(Steps(("chunk", "a"), ("done", "a"), ("chunk", "after"), ("done", "twice")), "1");
        var first = (await chat.NextAsync("typing")).TurnId!.Value;
        Assert.Equal(Expected(Conversation, first, ["a"]), (await chat.ReadToAsync("done")).Select(frame => frame.Bytes));
        await using var later = await OpenV2Async();
        await later.SayAsync("next", "2");
        Assert.Equal(["typing", "chunk", "done"], (await later.ReadToAsync("done")).Select(frame => frame.Type));
        Assert.Equal(["completed: a", "completed: next "], await AnswersAsync(2));
    }

    /// <summary>
    /// The chunks of both deliveries are shown. The first <c>done</c> has the whole text, and clients replace what they show by it.
    /// </summary>
    [Fact]
    public async Task A_task_that_runs_twice_at_once_ends_once()
    {
        await using var gateway = await Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["Dispatch__Celery__List"] = "twice" });
        await using var chat = await OpenV2Async(gateway);
        await chat.SayAsync(Steps(("chunk", "a"), ("wait", "go"), ("chunk", "b"), ("done", "ab")), "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        var database = Pipeline.Redis.Database;
        var message = (await Until.NotNullAsync(async () => (string?)await database.ListGetByIndexAsync("twice", 0)))!;
        await database.ListLeftPushAsync("twice", message);
        await using var worker = await CeleryWorker.StartAsync(Pipeline.Redis, queues: "twice");
        await SeenAsync(turn, deliveries: 2);
        await chat.NextAsync("chunk");
        await chat.NextAsync("chunk");
        await GoAsync();
        var frames = await chat.ReadToAsync("done");
        await GoAsync();
        Assert.Equal("ab", frames[^1].Text);
        Assert.Equal(["completed: ab"], await AnswersAsync());
    }

    /// <summary>The workers skip it: a gateway revokes each task whose end it has heard.</summary>
    [Fact]
    public async Task A_task_that_is_delivered_again_after_its_end_changes_nothing()
    {
        await using var chat = await OpenV2Async();
        await chat.SayAsync("first", "1");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await chat.ReadToAsync("done");
        await Until.TrueAsync(() => Task.FromResult(Fixture.Worker.Log.Contains($"Tasks flagged as revoked: {turn}", StringComparison.Ordinal)));

        await chat.SayAsync(Steps(("chunk", "a"), ("wait", "go"), ("chunk", "b"), ("done", "ab")), "2");
        await chat.ReadToAsync("chunk");
        await DeliverAgainAsync(turn);
        await Until.TrueAsync(() =>
            Task.FromResult(
                Fixture.Worker.Log.Contains($"Discarding revoked task: orchestrator.tasks.handle_message[{turn}]", StringComparison.Ordinal)
            )
        );
        await GoAsync();
        Assert.Equal(["chunk", "done"], (await chat.ReadToAsync("done")).Select(frame => frame.Type));
        Assert.Equal(["completed: first ", "completed: ab"], await AnswersAsync(2));
        Assert.Single(await SeenAsync(turn));
    }

    [Theory]
    [InlineData("Dispatch__Celery__Task", "orchestrator.tasks.unknown", "Received unregistered task of type 'orchestrator.tasks.unknown'")]
    [InlineData("Dispatch__Celery__List", "nobody-consumes", "")]
    public async Task A_task_that_nobody_answers_fails_at_its_deadline(string setting, string value, string logged)
    {
        await using var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string>
            {
                [setting] = value,
                ["Chat__TurnSilenceLimit"] = "00:00:03",
                ["Dispatch__Celery__LateLimit"] = "00:00:01",
            }
        );
        await using var v2 = await OpenV2Async(gateway);
        await using var v1 = await RawChat.OpenAsync(gateway, Me, Conversation);
        await v1.SayAsync("hello");
        await v1.ExpectAsync(Frames.Typing);
        await v1.ExpectAsync(Frames.NoAnswer);
        var done = (await v2.ReadToAsync("done"))[^1];
        Assert.Equal(("failed", ""), (done.Reason, done.Text));
        Assert.Equal(["failed: "], await AnswersAsync());
        Assert.Contains(logged, Fixture.Worker.Log, StringComparison.Ordinal);
        Assert.Equal(0, await Pipeline.Redis.Database.ListLengthAsync("nobody-consumes"));

        // The conversation is usable again.
        await using var other = await OpenV2Async();
        await other.SayAsync("next", "n");
        Assert.Equal("next ", (await other.ReadToAsync("done"))[^1].Text);
    }

    [Fact]
    public async Task A_task_that_raises_fails_at_its_deadline_with_its_text()
    {
        await using var gateway = await Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["Chat__TurnSilenceLimit"] = "00:00:03" });
        await using var chat = await OpenV2Async(gateway);
        await chat.SayAsync(Steps(("chunk", "so far"), ("fail", "a bug")), "m");
        var done = (await chat.ReadToAsync("done"))[^1];
        Assert.Equal(("failed", "so far"), (done.Reason, done.Text));
    }

    [Fact]
    public async Task An_answer_that_is_too_long_fails_with_the_text_it_has()
    {
        await using var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["Dispatch__Celery__MaxAnswerBytes"] = "2000", ["Dispatch__Celery__LateLimit"] = "00:00:01" }
        );
        await using var chat = await OpenV2Async(gateway);
        await chat.SayAsync(Steps(("chunks", 100), ("done", "all")), "m");
        var done = (await chat.ReadToAsync("done"))[^1];
        Assert.Equal("failed", done.Reason);
        Assert.StartsWith("0 1 2 ", done.Text, StringComparison.Ordinal);
    }

    private async Task DeliverAgainAsync(Guid turn)
    {
        var task = await Pipeline.Redis.Database.HashGetAsync($"{{{Conversation}}}:turn:{turn}", "task");
        Assert.False(task.IsNull);
        await Pipeline.Redis.Database.ListLeftPushAsync("celery", task);
    }
}

[Collection<Sharing<CeleryPipeline<OnGarnet>>>]
public sealed class CeleryFaultOnGarnet(CeleryPipeline<OnGarnet> fixture) : CeleryFaultTests(fixture);

[Collection<Sharing<CeleryPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class CeleryFaultOnRedis(CeleryPipeline<OnRedis> fixture) : CeleryFaultTests(fixture);
