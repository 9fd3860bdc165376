using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Celery;

/// <summary>A task that publishes the payload's <c>turn_id</c>: several turns at once, and nothing waits for a late answer.</summary>
[Collection<Sharing<EchoingCeleryPipeline>>]
public sealed class CeleryTurnIdTests(EchoingCeleryPipeline fixture) : CeleryTestBase(fixture)
{
    [Fact]
    public async Task Four_turns_of_a_conversation_run_at_once()
    {
        var chats = new List<(RawChat Chat, Guid Turn)>();
        foreach (var name in (string[])["w", "x", "y", "z"])
        {
            var chat = await OpenV2Async(chats.Count % 2 == 0 ? Gateway : Fixture.OtherGateway);
            await chat.SayAsync(Steps(("echo", ""), ("chunk", name), ("wait", name), ("chunk", $"{name}2"), ("done", $"{name}{name}2")), name);
            FrameV2 typing;
            do
            {
                typing = await chat.NextAsync();
            } while (typing.Type != "typing" || typing.MessageId != name);
            chats.Add((chat, typing.TurnId!.Value));
            await SeenAsync(typing.TurnId!.Value);
        }

        await using var fifth = await OpenV2Async();
        await fifth.SayAsync("one too many", "5");
        Assert.Equal("too_many_turns", (await fifth.NextAsync("error")).Code);

        // The last one first: each answer reaches its own turn.
        foreach (var name in (string[])["z", "y", "x", "w"])
        {
            await GoAsync(name);
        }

        foreach (var ((chat, turn), name) in chats.Zip((string[])["w", "x", "y", "z"]))
        {
            var own = new List<FrameV2>();
            while (own.Count == 0 || own[^1].Type != "done")
            {
                var frame = await chat.NextAsync();
                if (frame.TurnId == turn && frame.Type is "chunk" or "done")
                {
                    own.Add(frame);
                }
            }

            Assert.Equal(Expected(Conversation, turn, [name, $"{name}2"]), own.Select(frame => frame.Bytes));
            await chat.DisposeAsync();
        }

        Assert.Equal(["completed: ww2", "completed: xx2", "completed: yy2", "completed: zz2"], (await AnswersAsync(4)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task After_a_cancel_the_next_message_does_not_wait()
    {
        await using var chat = await OpenV2Async();
        await chat.SayAsync(Steps(("echo", ""), ("chunk", "a"), ("wait", "go"), ("chunk", "late"), ("done", "a late")), "1");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await chat.NextAsync("chunk");
        await chat.CancelTurnAsync(turn);
        await chat.NextAsync("done");
        await chat.SayAsync(Steps(("echo", ""), ("chunk", "next"), ("wait", "next"), ("done", "next")), "2");
        await chat.NextAsync("typing");
        await chat.NextAsync("chunk");
        await GoAsync(); // The cancelled task goes on now, and reaches nobody.
        await Until.TrueAsync(() => Task.FromResult(Fixture.Worker.Log.Contains($"[{turn}] succeeded", StringComparison.Ordinal)));
        await GoAsync("next");
        Assert.Equal("next", (await chat.NextAsync("done")).Text);
        Assert.Equal(["cancelled: a", "completed: next"], await AnswersAsync(2));
    }

    [Fact]
    public async Task A_payload_without_a_turn_is_dropped_and_the_log_says_why()
    {
        await using var chat = await OpenV2Async();
        await chat.SayAsync(Steps(("chunk", "whose?"), ("echo", ""), ("chunk", "mine"), ("done", "mine")), "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        Assert.Equal(Expected(Conversation, turn, ["mine"]), (await chat.ReadToAsync("done")).Select(frame => frame.Bytes));
        Assert.Contains("A payload without turn_id was dropped", Gateway.Log, StringComparison.Ordinal);
    }
}
