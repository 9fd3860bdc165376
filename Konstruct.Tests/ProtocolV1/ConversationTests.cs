using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.ProtocolV1;

/// <summary>Which conversation a message goes into, and which it is kept out of.</summary>
public abstract class ConversationTests(UsualPipeline fixture) : PipelineTests(fixture)
{
    private readonly Person _person = Person.New();

    [Fact]
    public async Task The_conversation_of_the_message_wins_over_that_of_the_URL()
    {
        var (url, other) = (Guid.NewGuid(), Guid.NewGuid());
        await using var chat = await OpenAsync(_person, url);
        await chat.SendAsync($$"""{"type":"message","text":"/burst 2","agentId":"{{Person.Agent}}","conversationId":"{{other}}"}""");

        (await chat.ReceiveTurnAsync()).AssertWhole(other);
        Assert.Equal(2, (await Sql.MessagesAsync(other)).Count);
        Assert.Empty(await Sql.MessagesAsync(url));

        // It was for that message only.
        await chat.SayAsync("/burst 2");
        (await chat.ReceiveTurnAsync()).AssertWhole(url);
    }

    [Theory]
    [InlineData("\"\"")]
    [InlineData("null")]
    public async Task An_empty_conversation_in_the_message_means_that_of_the_URL(string empty)
    {
        var url = Guid.NewGuid();
        await using var chat = await OpenAsync(_person, url);
        await chat.SendAsync($$"""{"type":"message","text":"/burst 2","agentId":"{{Person.Agent}}","conversationId":{{empty}}}""");

        (await chat.ReceiveTurnAsync()).AssertWhole(url);
    }

    [Theory]
    [InlineData("not-an-id")]
    [InlineData("11111111-2222-4333-8444-55555555555")]
    [InlineData("1")]
    [OriginalFlaw("invalid conversation id in the URL, unknown conversation: full answer, nothing saved, client not told")]
    public async Task An_id_in_the_URL_that_is_no_UUID_is_an_error_and_nothing_is_stored(string id)
    {
        await using var chat = await RawChat.ConnectAsync(Gateway, id);
        await chat.SendAsync(_person.Auth);
        await chat.SayAsync("/burst 1");

        await ExpectRefusalAsync(chat);
        Assert.Equal(0, await Sql.MessageCountAsync(_person.Tenant));
    }

    [Theory]
    [InlineData("\"not-an-id\"")]
    [InlineData("7")]
    [OriginalFlaw("conversationId in the message differs from the URL: the message's wins, unchecked")]
    public async Task An_id_in_the_message_that_is_no_UUID_is_an_error_and_the_socket_stays(string id)
    {
        var url = Guid.NewGuid();
        await using var chat = await OpenAsync(_person, url);
        await chat.SendAsync($$"""{"type":"message","text":"/burst 1","agentId":"x","conversationId":{{id}}}""");
        await ExpectRefusalAsync(chat);
        Assert.Equal(0, await Sql.MessageCountAsync(_person.Tenant));

        await chat.SayAsync("/burst 1");
        (await chat.ReceiveTurnAsync()).AssertWhole(url);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [OriginalFlaw("conversation of another tenant: the assistant row is inserted into it")]
    [OriginalFlaw("conversationId in the message differs from the URL: the message's wins, unchecked")]
    public async Task A_conversation_of_another_tenant_or_user_is_an_error_whether_in_the_URL_or_in_the_message(bool sameTenant)
    {
        var theirs = Guid.NewGuid();
        await using (var owner = await OpenAsync(_person, theirs))
        {
            await owner.SayAsync("/burst 1");
            (await owner.ReceiveTurnAsync()).AssertWhole(theirs);
        }

        var stranger = sameTenant ? _person with { User = Guid.NewGuid() } : Person.New();
        var own = Guid.NewGuid();
        await using var byMessage = await OpenAsync(stranger, own);
        await byMessage.SendAsync($$"""{"type":"message","text":"/burst 1","agentId":"x","conversationId":"{{theirs}}"}""");
        await ExpectRefusalAsync(byMessage);
        await using var byUrl = await OpenAsync(stranger, theirs);
        await byUrl.SayAsync("/burst 1");
        await ExpectRefusalAsync(byUrl);

        Assert.Equal(2, (await Sql.MessagesAsync(theirs)).Count);
        Assert.Equal(sameTenant ? 2 : 0, await Sql.MessageCountAsync(stranger.Tenant));
        await byMessage.SayAsync("/burst 1");
        (await byMessage.ReceiveTurnAsync()).AssertWhole(own);
    }

    [Fact]
    public async Task A_stranger_on_the_channel_of_a_conversation_hears_nothing_of_it()
    {
        var theirs = Guid.NewGuid();
        var stranger = _person with { User = Guid.NewGuid() };
        await using var owner = await OpenAsync(_person, theirs);
        await using var eavesdropper = await OpenAsync(stranger, theirs);
        await owner.SayAsync("/burst 20");
        (await owner.ReceiveTurnAsync()).AssertWhole(theirs);

        await eavesdropper.SayAsync("/burst 1");
        await ExpectRefusalAsync(eavesdropper);
    }

    [Fact]
    [OriginalFlaw("invalid conversation id in the URL, unknown conversation: full answer, nothing saved, client not told")]
    public async Task An_unknown_conversation_is_refused_where_missing_ones_are_not_created()
    {
        var known = Guid.NewGuid();
        await using (var chat = await OpenAsync(_person, known))
        {
            await chat.SayAsync("/burst 1");
            (await chat.ReceiveTurnAsync()).AssertWhole(known);
        }

        var strict = await Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["Chat__CreateMissingConversations"] = "false" });
        await using var unknown = await RawChat.OpenAsync(strict, _person, Guid.NewGuid());
        await unknown.SayAsync("/burst 1");
        await ExpectRefusalAsync(unknown);
        Assert.Equal(2, await Sql.MessageCountAsync(_person.Tenant));

        await using var again = await RawChat.OpenAsync(strict, _person, known);
        await again.SayAsync("/burst 1");
        (await again.ReceiveTurnAsync()).AssertWhole(known);
        await strict.TerminateAsync();
    }

    /// <summary>An error frame, after <c>typing</c> or without it: whether the refusal needed the database is not the client's business.</summary>
    private static async Task ExpectRefusalAsync(RawChat chat)
    {
        var turn = await chat.ReceiveTurnAsync();
        Assert.StartsWith("""{"type":"error","message":""", turn.Frames[^1], StringComparison.Ordinal);
        Assert.All(turn.Frames.SkipLast(1), frame => Assert.Equal(Frames.Typing, frame));
    }
}

[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class ConversationsOnGarnet(UsualPipeline<OnGarnet> fixture) : ConversationTests(fixture);

[Collection<Sharing<UsualPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class ConversationsOnRedis(UsualPipeline<OnRedis> fixture) : ConversationTests(fixture);

[Collection<Sharing<UsualPipelineBehindBalancer>>]
[Trait("Tier", "Long")]
public sealed class ConversationsBehindBalancer(UsualPipelineBehindBalancer fixture) : ConversationTests(fixture);
