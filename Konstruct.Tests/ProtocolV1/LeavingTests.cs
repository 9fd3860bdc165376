using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.ProtocolV1;

/// <summary>A client that leaves stops nothing: what was accepted is answered, and the answer saved once.</summary>
public abstract class LeavingTests(UsualPipeline fixture) : PipelineTests(fixture)
{
    private readonly Person _person = Person.New();
    private readonly Guid _conversation = Guid.NewGuid();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [OriginalFlaw("client leaves mid-stream: the answer is not saved")]
    public async Task Leaving_mid_stream_saves_the_whole_answer_once(bool withoutAWord)
    {
        const string text = "/stream tokens=20 rate=40";
        await using (var chat = await OpenAsync(_person, _conversation))
        {
            await chat.SayAsync(text);
            await chat.ExpectAsync(Frames.Typing);
            await chat.ReceiveAsync();
            await chat.ReceiveAsync();
            await LeaveAsync(chat, withoutAWord);
        }

        await AssertSavedOnceAsync(text);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [OriginalFlaw("client leaves while the agent thinks: not noticed until the next chunk")]
    public async Task Leaving_while_the_agent_thinks_saves_the_whole_answer_once(bool withoutAWord)
    {
        const string text = "/stream tokens=5 rate=0 delay=700";
        await using (var chat = await OpenAsync(_person, _conversation))
        {
            await chat.SayAsync(text);
            await chat.ExpectAsync(Frames.Typing);
            // Accepted means committed: a client that leaves earlier may have said nothing.
            await Until.TrueAsync(async () => await Sql.MessageCountAsync(_person.Tenant) == 2);
            await LeaveAsync(chat, withoutAWord);
        }

        await AssertSavedOnceAsync(text);
    }

    [Fact]
    [OriginalFlaw("client leaves, then only `done` comes: saving depends on whether a chunk came after the close")]
    public async Task Leaving_before_an_answer_without_chunks_saves_it_too()
    {
        await using (var chat = await OpenAsync(_person, _conversation))
        {
            await chat.SayAsync("/empty delay=500");
            await chat.ExpectAsync(Frames.Typing);
            await Until.TrueAsync(async () => await Sql.MessageCountAsync(_person.Tenant) == 2);
            chat.Abort();
        }

        Assert.Equal("completed", (await AnsweredAsync(_conversation))[1].Status);
    }

    [Fact]
    public async Task Leaving_at_any_moment_leaves_a_whole_turn_or_none()
    {
        var people = Enumerable.Range(0, 20).Select(_ => (Person: Person.New(), Conversation: Guid.NewGuid())).ToArray();
        foreach (var (person, conversation) in people)
        {
            await using var chat = await OpenAsync(person, conversation);
            await chat.SayAsync("/burst 3");
            if (Random.Shared.Next(2) == 0)
            {
                await chat.ExpectAsync(Frames.Typing);
            }

            chat.Abort();
        }

        foreach (var (person, conversation) in people)
        {
            // One question: a message that is accepted between two would be a whole turn all the same.
            await Until.TrueAsync(async () =>
            {
                var messages = await Sql.MessagesAsync(conversation);
                return messages is [] or [_, { Status: "completed" }] && messages.Count == await Sql.MessageCountAsync(person.Tenant);
            });
        }
    }

    [Fact]
    public async Task A_message_that_still_waits_when_the_socket_closes_was_not_accepted()
    {
        await using (var chat = await OpenAsync(_person, _conversation))
        {
            await chat.SayAsync("/stream tokens=10 rate=20");
            await chat.SayAsync("/burst 1 never accepted");
            await chat.ExpectAsync(Frames.Typing);
            await chat.ReceiveAsync();
            await chat.CloseAsync();
        }

        await AnsweredAsync(_conversation);
        Assert.Equal(
            [("user", "/stream tokens=10 rate=20", ""), ("assistant", "", "completed")],
            (await Sql.MessagesAsync(_conversation)).Select(m => m.Role == "user" ? (m.Role, m.Content, "") : (m.Role, "", m.Status))
        );
    }

    [Fact]
    public async Task A_closing_client_gets_its_close_answered_at_once_also_mid_stream()
    {
        await using var chat = await OpenAsync(_person, _conversation);
        await chat.SayAsync("/stream tokens=200 rate=20");
        await chat.ExpectAsync(Frames.Typing);
        await chat.ReceiveAsync();
        await chat.CloseAsync();
        // Chunks already under way may come first.
        while (await chat.ReceiveAsync(TimeSpan.FromSeconds(5)) is { } frame)
        {
            Assert.False(Turn.Ends(frame), "the close was answered only after the answer");
        }

        Assert.Equal(1000, chat.CloseCode);
    }

    private static async Task LeaveAsync(RawChat chat, bool withoutAWord)
    {
        if (withoutAWord)
        {
            chat.Abort();
        }
        else
        {
            await chat.CloseAsync();
        }
    }

    /// <summary>The stub's answers are a function of the text, so a client that stays shows what must have been saved.</summary>
    private async Task AssertSavedOnceAsync(string text)
    {
        var saved = await AnsweredAsync(_conversation);
        await using var witness = await OpenAsync(_person, Guid.NewGuid());
        await witness.SayAsync(text);
        var answer = (await witness.ReceiveTurnAsync()).Answer;

        Assert.Equal([("user", text), ("assistant", answer)], saved.Select(m => (m.Role, m.Content)));
        Assert.Equal("completed", saved[1].Status);
        Assert.Equal(saved, await Sql.MessagesAsync(_conversation));
    }
}

[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class LeavingOnGarnet(UsualPipeline<OnGarnet> fixture) : LeavingTests(fixture);

[Collection<Sharing<UsualPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class LeavingOnRedis(UsualPipeline<OnRedis> fixture) : LeavingTests(fixture);

[Collection<Sharing<UsualPipelineBehindBalancer>>]
[Trait("Tier", "Long")]
public sealed class LeavingBehindBalancer(UsualPipelineBehindBalancer fixture) : LeavingTests(fixture);
