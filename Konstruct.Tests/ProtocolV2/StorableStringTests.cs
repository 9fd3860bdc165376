using Konstruct.Tests.Conversations;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.ProtocolV2;

/// <summary>
/// Postgres cannot store NUL, and UTF-8 cannot represent half of a surrogate pair. Both become U+FFFD, in every string and everywhere the same. A message with
/// NUL was refused without its id, so its client sent it again after every reconnect.
/// </summary>
[Collection<Sharing<LegacyPipeline<OnGarnet>>>]
public sealed class StorableStringTests(LegacyPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    private readonly Person _person = Person.New();
    private readonly Guid _conversation = Guid.NewGuid();

    [Theory]
    [InlineData("""\u0000""")]
    [InlineData("""\ud83d""")]
    public async Task What_cannot_be_stored_becomes_the_replacement_character(string escape)
    {
        var (chat, _) = await RawChat.OpenV2Async(Gateway, _person, _conversation);
        await using var open = chat;
        await chat.SendAsync(
            $$"""{"type":"message","text":"text {{escape}}","displayName":"name {{escape}}","agentId":"agent {{escape}}","messageId":"id {{escape}}"}"""
        );
        Assert.Equal("id \uFFFD", (await chat.NextAsync("typing")).MessageId);

        Assert.Equal("text \uFFFD", (await Sql.MessagesAsync(_conversation))[0].Content);
        var task = await new LegacyOrchestrator(Pipeline, _person, _conversation).TaskAsync();
        Assert.Equal("name \uFFFD", task.GetProperty("sender").GetProperty("display_name").GetString());
        Assert.Equal("agent \uFFFD", task.GetProperty("agent_id").GetString());
    }

    [Fact]
    public async Task A_title_likewise()
    {
        var api = new ApiClient(Gateway, _person);
        var created = (await api.PostAsync("", """{"agent_id":"a","title":"title \u0000"}""")).Expect(201);
        Assert.Equal("title \uFFFD", created.Json.GetProperty("title").GetString());
    }
}
