using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV2;
using Xunit;

namespace Konstruct.Tests.Celery;

/// <summary>An unchanged task of Celery answers: clients see what they see of any other orchestrator.</summary>
public abstract class CeleryChatTests(CeleryPipeline fixture) : CeleryTestBase(fixture)
{
    [Fact]
    public async Task Version_1_streams_an_answer_and_the_row_has_it()
    {
        await using var chat = await OpenAsync(Me, Conversation);
        await chat.SayAsync("Good day 👋");
        Assert.Equal(["Good ", "day ", "👋 "], (await chat.ReceiveTurnAsync()).AssertWhole(Conversation).Chunks);
        Assert.Equal(["completed: Good day 👋 "], await AnswersAsync());

        await chat.SayAsync("again");
        Assert.Equal("again ", (await chat.ReceiveTurnAsync()).AssertWhole(Conversation).Answer);
    }

    [Fact]
    public async Task Version_2_gets_seqs_and_every_tab_gets_them()
    {
        await using var chat = await OpenV2Async();
        await using var tab = await OpenV2Async(Fixture.OtherGateway);
        await chat.SayAsync(Steps(("chunks", 300), ("done", "all of it")), "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        var announced = await tab.NextAsync("typing");
        Assert.Equal((turn, "m"), (announced.TurnId!.Value, announced.MessageId));

        var expected = Expected(Conversation, turn, Enumerable.Range(0, 300).Select(i => $"{i} "), "all of it").ToList();
        Assert.Equal(expected, (await chat.ReadToAsync("done")).Select(frame => frame.Bytes));
        Assert.Equal(expected, (await tab.ReadToAsync("done")).Select(frame => frame.Bytes));
        Assert.Equal(["completed: all of it"], await AnswersAsync());
    }

    [Fact]
    public async Task A_client_resumes_on_another_gateway_where_it_was()
    {
        Guid turn;
        await using (var chat = await OpenV2Async())
        {
            await chat.SayAsync(Steps(("chunk", "a"), ("chunk", "b"), ("wait", "go"), ("chunk", "c"), ("done", "abc")), "m");
            turn = (await chat.NextAsync("typing")).TurnId!.Value;
            await chat.NextAsync("chunk");
            await chat.NextAsync("chunk");
        }

        var (other, ready) = await RawChat.OpenV2Async(Fixture.OtherGateway, Me, Conversation);
        await using var _ = other;
        Assert.Equal([(turn, 1, 2)], ready.Active);
        await other.ResumeAsync(turn, attempt: 1, after: 1);
        Assert.Equal(Frames2.Chunk("b", turn, 1, 2), (await other.NextAsync("chunk")).Bytes);
        await GoAsync();
        Assert.Equal(Expected(Conversation, turn, ["a", "b", "c"]).Skip(2), (await other.ReadToAsync("done")).Select(frame => frame.Bytes));
    }

    [Fact]
    public async Task A_repeated_message_is_the_same_turn_while_it_runs()
    {
        await using var chat = await OpenV2Async();
        await chat.SayAsync(Steps(("chunk", "a"), ("wait", "go"), ("done", "a")), "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await chat.NextAsync("chunk");
        await using var again = await OpenV2Async(Fixture.OtherGateway);
        await again.SayAsync("whatever", "m");
        Assert.Equal(turn, (await again.NextAsync("typing")).TurnId);
        await GoAsync();
        Assert.Equal(Expected(Conversation, turn, ["a"]), (await again.ReadToAsync("done")).Select(frame => frame.Bytes));
        Assert.Single(await SeenAsync(turn));
    }

    [Fact]
    public async Task A_message_from_another_tab_waits_for_the_running_turn()
    {
        await using var first = await OpenV2Async();
        await first.SayAsync(Steps(("chunk", "one"), ("wait", "go"), ("done", "one")), "1");
        var turn = (await first.NextAsync("typing")).TurnId!.Value;
        await first.NextAsync("chunk");

        await using var second = await OpenAsync(Me, Conversation);
        await using var third = await RawChat.OpenAsync(Fixture.OtherGateway, Me, Conversation);
        await second.SayAsync("two");
        await third.SayAsync("three");
        await second.ExpectAsync(Frames.Typing); // v1 says at once that the gateway is at it.
        await third.ExpectAsync(Frames.Typing);
        Assert.Equal(
            1L,
            await Sql.ScalarAsync<long>("SELECT count(*) FROM web_conversation_messages WHERE conversation_id = $1 AND role = 'user'", Conversation)
        );

        await GoAsync();
        Assert.Equal(Expected(Conversation, turn, ["one"]).Skip(1), (await first.ReadToAsync("done")).Select(frame => frame.Bytes));
        await second.ExpectAsync(Frames.Chunk("two "));
        await second.ExpectAsync(Frames.Done("two ", Conversation));
        await third.ExpectAsync(Frames.Chunk("three "));
        await third.ExpectAsync(Frames.Done("three ", Conversation));
        Assert.Equal(["completed: one", "completed: three ", "completed: two "], (await AnswersAsync(3)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_message_that_waits_when_its_socket_closes_is_not_accepted()
    {
        await using var first = await OpenV2Async();
        await first.SayAsync(Steps(("chunk", "one"), ("wait", "go"), ("done", "one")), "1");
        await first.ReadToAsync("chunk");
        await using (var second = await OpenAsync(Me, Conversation))
        {
            await second.SayAsync("two");
            await second.ExpectAsync(Frames.Typing);
        }

        await GoAsync();
        await first.ReadToAsync("done");
        await first.SayAsync("three", "3");
        Assert.Equal("three ", (await first.ReadToAsync("done"))[^1].Text);
        Assert.Equal(["completed: one", "completed: three "], await AnswersAsync(2));
    }

    [Fact]
    public async Task A_cancelled_task_that_no_worker_has_taken_is_removed()
    {
        await using var gateway = await Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["Dispatch__Celery__List"] = "idle" });
        await using var chat = await OpenV2Async(gateway);
        await chat.SayAsync("never answered", "1");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await Until.TrueAsync(async () => await Pipeline.Redis.Database.ListLengthAsync("idle") == 1);
        await chat.CancelTurnAsync(turn);
        Assert.Equal("cancelled", (await chat.NextAsync("done")).Reason);
        await Until.TrueAsync(async () => await Pipeline.Redis.Database.ListLengthAsync("idle") == 0);

        // The conversation is free at once.
        await using var other = await OpenV2Async();
        await other.SayAsync("next", "2");
        Assert.Equal("next ", (await other.ReadToAsync("done"))[^1].Text);
    }

    [Fact]
    public async Task A_message_that_was_cancelled_before_it_came_is_not_dispatched()
    {
        await using var gateway = await Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["Dispatch__Celery__List"] = "unused" });
        await using var chat = await OpenV2Async(gateway);
        await chat.CancelMessageAsync("m");
        await Until.TrueAsync(async () =>
            await Pipeline.Redis.Database.KeyExistsAsync($"{{dispatch}}:cancelled:{Me.Tenant}:{Me.User}:{Conversation}:m")
        );
        await chat.SayAsync("hello", "m");
        Assert.Equal("cancelled", (await chat.ReadToAsync("done"))[^1].Reason);
        Assert.Equal(0, await Pipeline.Redis.Database.ListLengthAsync("unused"));
        await chat.SayAsync("next", "n");
        await chat.ReadToAsync("typing");
        await Until.TrueAsync(async () => await Pipeline.Redis.Database.ListLengthAsync("unused") == 1);
        await chat.CancelMessageAsync("n");
        Assert.Equal("cancelled", (await chat.ReadToAsync("done"))[^1].Reason);
    }

    [Fact]
    public async Task After_a_cancel_the_next_message_waits_for_the_late_done()
    {
        await using var chat = await OpenV2Async();
        await chat.SayAsync(Steps(("chunk", "a"), ("wait", "go"), ("chunk", "late"), ("wait", "end"), ("done", "a late")), "1");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await chat.NextAsync("chunk");
        await chat.CancelTurnAsync(turn);
        var done = await chat.NextAsync("done");
        Assert.Equal(("cancelled", "a"), (done.Reason, done.Text));

        await chat.SayAsync("next", "2");

        // A whole chat elsewhere gives the message more time than it would need.
        var elsewhere = Guid.NewGuid();
        await using var other = await OpenAsync(Person.New(), elsewhere);
        await other.SayAsync("elsewhere");
        (await other.ReceiveTurnAsync()).AssertWhole(elsewhere);
        Assert.Equal(["cancelled: a"], await AnswersAsync());
        await GoAsync();
        await GoAsync("end");
        var frames = await chat.ReadToAsync("done");
        Assert.Equal(["typing", "chunk", "done"], frames.Select(frame => frame.Type));
        Assert.Equal("next ", frames[^1].Text);
        Assert.Equal(["cancelled: a", "completed: next "], await AnswersAsync(2));
        await Until.TrueAsync(() => Task.FromResult(Fixture.Worker.Log.Contains($"{turn}", StringComparison.Ordinal)));
    }
}

[Collection<Sharing<CeleryPipeline<OnGarnet>>>]
public sealed class CeleryChatOnGarnet(CeleryPipeline<OnGarnet> fixture) : CeleryChatTests(fixture);

[Collection<Sharing<CeleryPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class CeleryChatOnRedis(CeleryPipeline<OnRedis> fixture) : CeleryChatTests(fixture);
