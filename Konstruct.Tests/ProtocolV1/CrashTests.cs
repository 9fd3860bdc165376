using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.ProtocolV1;

/// <summary>A process that dies: what was accepted is answered all the same, and a v1 client never sees an answer begin twice.</summary>
public abstract class CrashTests(FaultyPipeline fixture) : PipelineTests(fixture)
{
    private static readonly TimeSpan Repair = TimeSpan.FromSeconds(45);

    private readonly Person _person = Person.New();
    private readonly Guid _conversation = Guid.NewGuid();

    [Fact]
    public async Task A_worker_that_dies_before_its_first_chunk_is_replaced_and_the_answer_streams()
    {
        await using var chat = await OpenAsync(_person, _conversation);
        await chat.SayAsync("/stream tokens=10 rate=50 delay=3000");
        await chat.ExpectAsync(Frames.Typing);
        await Until.TrueAsync(async () => await Sql.MessageCountAsync(_person.Tenant) == 2);
        await Pipeline.ReplaceWorkerAsync();

        var rest = await chat.ReceiveTurnAsync(Repair);
        Assert.Equal(10, new Turn([Frames.Typing, .. rest.Frames]).AssertWhole(_conversation).Chunks.Count);
        await AssertSavedOnceAsync(rest.Answer);
    }

    [Fact]
    public async Task A_worker_that_dies_mid_stream_is_followed_by_nothing_but_done_with_the_full_text()
    {
        const string text = "/stream tokens=20 rate=10";
        await using var chat = await OpenAsync(_person, _conversation);
        await chat.SayAsync(text);
        await chat.ExpectAsync(Frames.Typing);
        for (var i = 0; i < 3; i++)
        {
            Assert.StartsWith("""{"type":"chunk",""", await chat.ReceiveAsync(), StringComparison.Ordinal);
        }

        await Pipeline.ReplaceWorkerAsync();

        // Chunks that were under way when it died may still come; those of the new attempt must not.
        var rest = await chat.ReceiveTurnAsync(Repair);
        Assert.InRange(rest.Chunks.Count, 0, 16);
        Assert.Equal(Frames.Done(rest.Answer, _conversation), rest.Frames[^1]);
        await AssertSavedOnceAsync(rest.Answer);
        Assert.Equal(await AnswerOfAsync(text), rest.Answer);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [OriginalFlaw("gateway gets SIGTERM mid-stream: client cut off, answer lost though the agent finishes")]
    public async Task A_gateway_that_ends_mid_stream_loses_no_answer(bool inOrder)
    {
        const string text = "/stream tokens=60 rate=20";
        var gateway = await Pipeline.StartGatewayAsync();
        await using var chat = await RawChat.OpenAsync(gateway, _person, _conversation);
        await chat.SayAsync(text);
        await chat.ExpectAsync(Frames.Typing);
        await chat.ReceiveAsync();
        if (inOrder)
        {
            await gateway.TerminateAsync();
            while (await chat.ReceiveAsync() is not null) { }

            Assert.Equal(1012, chat.CloseCode);
        }
        else
        {
            await gateway.KillAsync();
        }

        await AnsweredAsync(_conversation, within: Repair);
        await AssertSavedOnceAsync(await AnswerOfAsync(text));
    }

    /// <summary>The stub's answers are a function of the text: what it answers when nothing goes wrong.</summary>
    private async Task<string> AnswerOfAsync(string text)
    {
        var conversation = Guid.NewGuid();
        await using var chat = await OpenAsync(Person.New(), conversation);
        await chat.SayAsync(text);
        return (await chat.ReceiveTurnAsync()).AssertWhole(conversation).Answer;
    }

    private async Task AssertSavedOnceAsync(string answer)
    {
        var saved = Assert.Single(await Sql.MessagesAsync(_conversation), m => m.Role == "assistant");
        Assert.Equal((answer, "completed"), (saved.Content, saved.Status));
    }
}

[Collection<Sharing<FaultyPipeline<OnGarnet>>>]
public sealed class CrashesOnGarnet(FaultyPipeline<OnGarnet> fixture) : CrashTests(fixture);

[Collection<Sharing<FaultyPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class CrashesOnRedis(FaultyPipeline<OnRedis> fixture) : CrashTests(fixture);
