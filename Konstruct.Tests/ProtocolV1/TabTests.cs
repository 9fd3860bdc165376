using System.Text.Json;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.ProtocolV1;

/// <summary>Several sockets of one conversation: each sees its own turns only, and all answers are saved.</summary>
public abstract class TabTests(UsualPipeline fixture) : PipelineTests(fixture)
{
    private readonly Person _person = Person.New();
    private readonly Guid _conversation = Guid.NewGuid();

    [Fact]
    [OriginalFlaw("two tabs, one conversation: streams mix; one answer saved twice, the other lost")]
    public async Task Two_tabs_that_ask_at_once_get_an_answer_each_and_both_are_saved()
    {
        await using var left = await OpenAsync(_person, _conversation);
        await using var right = await OpenAsync(_person, _conversation);
        await left.SayAsync("/stream tokens=30 rate=60 left");
        await right.SayAsync("/stream tokens=20 rate=60 right");
        var turns = await Task.WhenAll(left.ReceiveTurnAsync(), right.ReceiveTurnAsync());

        Assert.Equal([30, 20], turns.Select(t => t.AssertWhole(_conversation).Chunks.Count));
        Assert.Equal(
            turns.Select(t => t.Answer).Order(StringComparer.Ordinal),
            (await Sql.MessagesAsync(_conversation)).Where(m => m.Role == "assistant").Select(m => m.Content).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task A_tab_that_asked_nothing_is_sent_nothing()
    {
        await using var idle = await OpenAsync(_person, _conversation);
        await using var busy = await OpenAsync(_person, _conversation);
        await busy.SayAsync("/burst 20");
        (await busy.ReceiveTurnAsync()).AssertWhole(_conversation);

        await idle.SayAsync("/burst 2");
        Assert.Equal(2, (await idle.ReceiveTurnAsync()).AssertWhole(_conversation).Chunks.Count);
    }

    [Fact]
    public async Task A_tab_that_closes_takes_nothing_from_the_other()
    {
        await using var stays = await OpenAsync(_person, _conversation);
        await using (var leaves = await OpenAsync(_person, _conversation))
        {
            await leaves.SayAsync("/stream tokens=10 rate=40 leaves");
            await stays.SayAsync("/stream tokens=30 rate=40 stays");
            await leaves.ExpectAsync(Frames.Typing);
            await leaves.ReceiveAsync();
            leaves.Abort();
        }

        Assert.Equal(30, (await stays.ReceiveTurnAsync()).AssertWhole(_conversation).Chunks.Count);
        await AnsweredAsync(_conversation, answers: 2);
    }

    [Fact]
    public async Task A_turn_that_a_newer_tab_cancels_is_done_with_the_partial_text()
    {
        await using var chat = await OpenAsync(_person, _conversation);
        await chat.SayAsync("/burst 1");
        (await chat.ReceiveTurnAsync()).AssertWhole(_conversation);
        await using var newer = await RawChat.ConnectAsync(Gateway, $"{_conversation}", "konstruct.chat.v2");
        await newer.SendAsync(_person.Auth);
        Assert.StartsWith("""{"type":"ready",""", await newer.ReceiveAsync(), StringComparison.Ordinal);
        await chat.SayAsync("/stream tokens=1000 rate=20");
        await chat.ExpectAsync(Frames.Typing);
        await chat.ReceiveAsync();
        using var first = JsonDocument.Parse((await newer.ReceiveAsync())!);
        await newer.SendAsync($$"""{"type":"cancel","turnId":"{{first.RootElement.GetProperty("turn_id").GetString()}}"}""");

        var turn = await chat.ReceiveTurnAsync();
        Assert.InRange(turn.Frames.Count, 1, 500);
        Assert.Equal(Frames.Done(turn.Answer, _conversation), turn.Frames[^1]);
        Assert.EndsWith(string.Concat(turn.Chunks), turn.Answer, StringComparison.Ordinal);
        Assert.Equal(
            [("user", "/stream tokens=1000 rate=20", ""), ("assistant", turn.Answer, "cancelled")],
            (await Sql.MessagesAsync(_conversation)).Skip(2).Select(m => (m.Role, m.Content, m.Role == "user" ? "" : m.Status))
        );
    }

    [Fact]
    public async Task Twenty_sockets_of_one_conversation_get_an_answer_each()
    {
        const int tabs = 20;
        var chats = await Task.WhenAll(Enumerable.Range(0, tabs).Select(_ => OpenAsync(_person, _conversation)));
        await Task.WhenAll(chats.Select((chat, i) => chat.SayAsync($"/stream tokens={10 + i} rate=100 tab-{i}")));
        var turns = await Task.WhenAll(chats.Select(chat => chat.ReceiveTurnAsync()));

        Assert.Equal(Enumerable.Range(10, tabs), turns.Select(t => t.AssertWhole(_conversation).Chunks.Count));
        Assert.Equal(
            turns.Select(t => t.Answer).Order(StringComparer.Ordinal),
            (await Sql.MessagesAsync(_conversation)).Where(m => m.Role == "assistant").Select(m => m.Content).Order(StringComparer.Ordinal)
        );
        foreach (var chat in chats)
        {
            await chat.DisposeAsync();
        }
    }
}

[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class TabsOnGarnet(UsualPipeline<OnGarnet> fixture) : TabTests(fixture);

[Collection<Sharing<UsualPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class TabsOnRedis(UsualPipeline<OnRedis> fixture) : TabTests(fixture);

[Collection<Sharing<UsualPipelineBehindBalancer>>]
[Trait("Tier", "Long")]
public sealed class TabsBehindBalancer(UsualPipelineBehindBalancer fixture) : TabTests(fixture);
