using System.Globalization;
using System.Text;
using System.Text.Json;
using Konstruct.Contracts.Redis;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.ProtocolV1;

/// <summary>An orchestrator that exists already, knowing the original's payloads only, works unchanged.</summary>
public abstract class LegacyPayloadTests(LegacyPipeline fixture) : PipelineTests(fixture)
{
    private readonly Person _person = Person.New();
    private readonly Guid _conversation = Guid.NewGuid();

    private LegacyOrchestrator Orchestrator => new(Pipeline, _person, _conversation);

    [Theory]
    [InlineData("", "Portal User")]
    [InlineData(""","displayName":"Zoë 👋" """, "Zoë 👋")]
    public async Task The_task_has_the_originals_shape(string member, string displayName)
    {
        var before = DateTimeOffset.UtcNow.AddSeconds(-1);
        await using var chat = await OpenAsync(_person, _conversation);
        await chat.SendAsync($$"""{"type":"message","text":"Hé \"you\"","agentId":"{{Person.Agent}}"{{member}}}""");
        var task = await Orchestrator.TaskAsync();

        Assert.True(Guid.TryParseExact(task.GetProperty("id").GetString(), "D", out _));
        Assert.Equal($"{_person.Tenant}", task.GetProperty("tenant_id").GetString());
        Assert.Equal("web", task.GetProperty("channel").GetString());
        AssertJson(
            $$"""{"portal_user_id":"{{_person.User}}","tenant_id":"{{_person.Tenant}}","conversation_id":"{{_conversation}}"}""",
            task.GetProperty("channel_metadata")
        );
        AssertJson($$"""{"user_id":"{{_person.User}}","display_name":"{{displayName}}"}""", task.GetProperty("sender"));
        AssertJson("""{"text":"Hé \"you\""}""", task.GetProperty("content"));
        var timestamp = DateTimeOffset.Parse(task.GetProperty("timestamp").GetString()!, CultureInfo.InvariantCulture);
        Assert.Equal(TimeSpan.Zero, timestamp.Offset);
        Assert.InRange(timestamp, before, DateTimeOffset.UtcNow.AddSeconds(1));
        Assert.Equal($"{_conversation}", task.GetProperty("thread_id").GetString());
        Assert.Equal(JsonValueKind.Null, task.GetProperty("reply_to").ValueKind);
        AssertJson("{}", task.GetProperty("context"));
        Assert.Equal($"{_conversation}", task.GetProperty("conversation_id").GetString());
        Assert.Equal($"{_person.User}", task.GetProperty("portal_user_id").GetString());
        // Ours, on top.
        Assert.Equal($"{Person.Agent}", task.GetProperty("agent_id").GetString());
        Assert.True(Guid.TryParseExact(task.GetProperty("turn_id").GetString(), "D", out _));
        Assert.Equal(1, task.GetProperty("attempt").GetInt32());
        Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$", task.GetProperty("traceparent").GetString());
    }

    [Fact]
    public async Task Chunks_and_done_are_relayed_and_the_answer_is_saved()
    {
        await using var chat = await AskAsync();
        await Orchestrator.ChunkAsync("Good ");
        await chat.ExpectAsync(Frames.Chunk("Good "));
        await Orchestrator.ChunkAsync("day");
        await chat.ExpectAsync(Frames.Chunk("day"));
        await Orchestrator.DoneAsync("Good day");
        await chat.ExpectAsync(Frames.Done("Good day", _conversation));

        await AssertSavedAsync("Good day");
    }

    [Fact]
    [OriginalFlaw("worker answers before the gateway has subscribed: answers lost, the client hangs")]
    public async Task An_answer_in_the_instant_of_the_dispatch_is_not_lost()
    {
        for (var i = 0; i < 25; i++)
        {
            var conversation = Guid.NewGuid();
            var orchestrator = new LegacyOrchestrator(Pipeline, _person, conversation);
            await using var chat = await OpenAsync(Person.New() with { Tenant = _person.Tenant }, conversation);
            await chat.SayAsync("hello");
            // The moment the task can be seen somebody must be subscribed: PublishAsync asserts it.
            await orchestrator.TaskAsync();
            await orchestrator.ChunkAsync("at once");
            await orchestrator.DoneAsync("at once");
            Assert.Equal(["at once"], (await chat.ReceiveTurnAsync()).AssertWhole(conversation).Chunks);
        }
    }

    [Fact]
    public async Task Characters_are_printed_as_the_original_prints_them_however_they_were_escaped()
    {
        const string text = "\"q\" \\ / \b\f\n\r\t \u0001\u001f\u007f <&>'+ é ß 漢字 שלום مرحبا 👩‍👩‍👧‍👦 🏳️‍🌈 \u2028\u2029 e\u0301 \ufeff\uffff";
        await using var chat = await AskAsync();
        await Orchestrator.ChunkAsync(text);
        await chat.ExpectAsync(Frames.Chunk(text));
        await Orchestrator.PublishAsync($$"""{"type":"chunk","text":{{PythonJson.Compact(text)}}}""");
        await chat.ExpectAsync(Frames.Chunk(text));
        await Orchestrator.PublishAsync("""{"type":"chunk","text":"\u0041\/\u000a\u001F\u00E9\uD83D\uDC4B"}""");
        await chat.ExpectAsync(Frames.Chunk("A/\n\u001fé👋"));
        await Orchestrator.DoneAsync(text);
        await chat.ExpectAsync(Frames.Done(text, _conversation));

        await AssertSavedAsync(text);
    }

    [Theory]
    [InlineData("not JSON")]
    [InlineData("")]
    [InlineData("""{"type": "chunk", "text": "cut o""")]
    [InlineData("[]")]
    [InlineData("""[{"type": "chunk", "text": "in an array"}]""")]
    [InlineData("42")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"text": "no type"}""")]
    [InlineData("""{"type": "response", "text": "the older word for done"}""")]
    [InlineData("""{"type": "status", "text": "searching"}""")]
    [InlineData("""{"type": "chunk"}""")]
    [InlineData("""{"type": "chunk", "text": ""}""")]
    [InlineData("""{"type": "chunk", "text": null}""")]
    [OriginalFlaw("non-JSON on the response channel: a JSON array ends the socket")]
    public async Task Payloads_that_say_nothing_are_skipped(string payload)
    {
        await using var chat = await AskAsync();
        await Orchestrator.ChunkAsync("a");
        await Orchestrator.PublishAsync(payload);
        await Orchestrator.ChunkAsync("b");
        await Orchestrator.DoneAsync("ab");

        await chat.ExpectAsync(Frames.Chunk("a"));
        await chat.ExpectAsync(Frames.Chunk("b"));
        await chat.ExpectAsync(Frames.Done("ab", _conversation));
    }

    [Fact]
    public async Task Members_may_come_in_any_order_and_unknown_ones_are_not_relayed()
    {
        await using var chat = await AskAsync();
        await Orchestrator.PublishAsync("""{"model": {"type": "done", "text": "inner"}, "text": "a", "n": [1, 2], "type": "chunk"}""");
        await chat.ExpectAsync(Frames.Chunk("a"));
        await Orchestrator.PublishAsync("""{"usage": {"tokens": 1}, "text": "a", "type": "done"}""");
        await chat.ExpectAsync(Frames.Done("a", _conversation));
    }

    [Fact]
    public async Task A_lone_surrogate_does_not_end_the_stream()
    {
        await using var chat = await AskAsync();
        await Orchestrator.PublishAsync("""{"type": "chunk", "text": "half \ud83d"}""");
        await Orchestrator.ChunkAsync("whole");
        await Orchestrator.PublishAsync($$"""{"type": "done", "text": "half \ud83dwhole", "conversation_id": "{{_conversation}}"}""");

        var turn = await chat.ReceiveTurnAsync();
        Assert.Contains("whole", turn.Chunks);
        Assert.EndsWith("whole", turn.Answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_NUL_in_the_answer_does_not_keep_it_from_ending()
    {
        await using var chat = await AskAsync();
        await Orchestrator.PublishAsync($$"""{"type": "done", "text": "a\u0000b", "conversation_id": "{{_conversation}}"}""");

        var turn = await chat.ReceiveTurnAsync();
        Assert.StartsWith("a", turn.Answer, StringComparison.Ordinal);
        Assert.Equal(turn.Answer, (await AnsweredAsync(_conversation))[1].Content);
    }

    [Fact]
    public async Task Bytes_that_are_no_UTF8_do_not_keep_it_from_ending()
    {
        await using var chat = await AskAsync();
        await Orchestrator.PublishAsync(
            (byte[])
                [
                    .. """{"type": "done", "text": "a"""u8,
                    0xC3,
                    0x28,
                    .. "\", \"conversation_id\": \""u8,
                    .. Encoding.UTF8.GetBytes($"{_conversation}"),
                    .. "\"}"u8,
                ]
        );

        var turn = await chat.ReceiveTurnAsync();
        Assert.Equal("a\uFFFD(", turn.Answer);
        Assert.Equal(turn.Answer, (await AnsweredAsync(_conversation))[1].Content);
    }

    [Fact]
    public async Task What_done_says_counts_and_is_saved_also_where_chunks_said_else()
    {
        await using var chat = await AskAsync();
        await Orchestrator.ChunkAsync("Teh answer");
        await Orchestrator.DoneAsync("The answer");

        await chat.ExpectAsync(Frames.Chunk("Teh answer"));
        await chat.ExpectAsync(Frames.Done("The answer", _conversation));
        await AssertSavedAsync("The answer");
    }

    [Fact]
    public async Task An_empty_answer_ends_with_done()
    {
        await using var chat = await AskAsync();
        await Orchestrator.DoneAsync("");

        await chat.ExpectAsync(Frames.Done("", _conversation));
        await AssertSavedAsync("");
    }

    [Fact]
    public async Task A_payload_without_a_turn_belongs_to_the_oldest_pending_one()
    {
        await using var first = await AskAsync("first");
        await using var second = await AskAsync("second");
        await Orchestrator.ChunkAsync("for the first");
        await first.ExpectAsync(Frames.Chunk("for the first"));
        await Orchestrator.DoneAsync("for the first");
        await first.ExpectAsync(Frames.Done("for the first", _conversation));

        await Orchestrator.ChunkAsync("for the second");
        await Orchestrator.DoneAsync("for the second");
        Assert.Equal(["for the second"], (await second.ReceiveTurnAsync()).Chunks);
        Assert.Equal(
            ["for the first", "for the second"],
            (await Sql.MessagesAsync(_conversation)).Where(m => m.Role == "assistant").Select(m => m.Content).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task A_payload_when_nothing_is_pending_is_dropped()
    {
        await using var chat = await AskAsync();
        await Orchestrator.DoneAsync("the answer");
        await chat.ExpectAsync(Frames.Done("the answer", _conversation));
        await Orchestrator.ChunkAsync("late");
        await Orchestrator.DoneAsync("twice");
        await HeardAsync();

        await chat.SayAsync("next");
        await chat.ExpectAsync(Frames.Typing);
        await Orchestrator.TaskAsync("next");
        await Orchestrator.DoneAsync("next answer");
        await chat.ExpectAsync(Frames.Done("next answer", _conversation));
        Assert.Equal(
            ["the answer", "next answer"],
            (await Sql.MessagesAsync(_conversation)).Where(m => m.Role == "assistant").Select(m => m.Content)
        );
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [OriginalFlaw("client leaves mid-stream: the answer is not saved")]
    [OriginalFlaw("client leaves, then only `done` comes: saving depends on whether a chunk came after the close")]
    public async Task An_answer_whose_client_has_left_is_saved_once(bool withChunksAfter)
    {
        await using (var chat = await AskAsync())
        {
            await Orchestrator.ChunkAsync("a");
            await chat.ExpectAsync(Frames.Chunk("a"));
            await chat.CloseAsync();
            Assert.Null(await chat.ReceiveAsync());
        }

        // The gateway stays subscribed as long as it has a turn pending: PublishAsync asserts it.
        if (withChunksAfter)
        {
            await Orchestrator.ChunkAsync("b");
        }

        await Orchestrator.DoneAsync("ab");
        await AnsweredAsync(_conversation);
        await AssertSavedAsync("ab");
    }

    [Fact]
    public async Task Payloads_of_another_conversation_or_tenant_are_not_relayed()
    {
        var otherConversation = Guid.NewGuid();
        await using var chat = await AskAsync();
        var elsewhere = new LegacyOrchestrator(Pipeline, _person, otherConversation);
        await using var other = await OpenAsync(_person, otherConversation);
        await other.SayAsync("hello");
        await elsewhere.TaskAsync();
        await elsewhere.ChunkAsync("elsewhere");
        await elsewhere.DoneAsync("elsewhere");
        await Pipeline.Redis.PublishAsync(Person.New().ResponseChannel(_conversation), """{"type": "chunk", "text": "of another tenant"}""");

        Assert.Equal(["elsewhere"], (await other.ReceiveTurnAsync()).Chunks);
        await Orchestrator.DoneAsync("here");
        await chat.ExpectAsync(Frames.Done("here", _conversation));
    }

    [Fact]
    public async Task The_response_channel_follows_its_template()
    {
        var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["Chat__ResponseChannel"] = "acme/{conversation_id}/of/{tenant_id}/answers" }
        );
        await using var chat = await RawChat.OpenAsync(gateway, _person, _conversation);
        await chat.SayAsync("hello");
        await Orchestrator.TaskAsync();
        Assert.Equal(
            1,
            await Pipeline.Redis.PublishAsync(
                $"acme/{_conversation}/of/{_person.Tenant}/answers",
                $$"""{"type": "done", "text": "templated", "conversation_id": "{{_conversation}}"}"""
            )
        );

        await chat.ExpectAsync(Frames.Typing);
        await chat.ExpectAsync(Frames.Done("templated", _conversation));
        await gateway.TerminateAsync();
    }

    /// <summary>Waits until the gateway has taken what was published: behind it comes a chunk of another turn, and a tab is sent that.</summary>
    private async Task HeardAsync()
    {
        var (tab, _) = await RawChat.OpenV2Async(Gateway, _person, _conversation);
        await Orchestrator.PublishAsync(Encoding.UTF8.GetString(StreamEvent.Chunk("heard", Guid.NewGuid(), 1, 1)));
        await tab.ReadToAsync("chunk");
        await tab.DisposeAsync();
    }

    /// <summary>An open socket whose message was dispatched and whose <c>typing</c> has been received.</summary>
    private async Task<RawChat> AskAsync(string text = "hello")
    {
        var chat = await OpenAsync(_person, _conversation);
        await chat.SayAsync(text);
        await chat.ExpectAsync(Frames.Typing);
        await Orchestrator.TaskAsync(text);
        return chat;
    }

    private async Task AssertSavedAsync(string answer)
    {
        Assert.Equal([("user", "hello"), ("assistant", answer)], (await Sql.MessagesAsync(_conversation)).Select(m => (m.Role, m.Content)));
        Assert.Equal("completed", (await Sql.MessagesAsync(_conversation))[1].Status);
    }

    private static void AssertJson(string expected, JsonElement actual) =>
        Assert.True(
            JsonElement.DeepEquals(JsonSerializer.Deserialize<JsonElement>(expected), actual),
            $"expected {expected}, was {actual.GetRawText()}"
        );
}

[Collection<Sharing<LegacyPipeline<OnGarnet>>>]
public sealed class LegacyPayloadsOnGarnet(LegacyPipeline<OnGarnet> fixture) : LegacyPayloadTests(fixture);

[Collection<Sharing<LegacyPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class LegacyPayloadsOnRedis(LegacyPipeline<OnRedis> fixture) : LegacyPayloadTests(fixture);
