using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Conversations;

/// <summary>The API while a store is down: 503 and when to come back, and afterwards all is as it was.</summary>
[Trait("Tier", "Long")]
[Collection<Sharing<FaultyPipeline<OnGarnet>>>]
public sealed class ApiOutageTests : PipelineTests
{
    private readonly Person _person = Person.New();
    private readonly ApiClient _api;

    public ApiOutageTests(FaultyPipeline<OnGarnet> fixture)
        : base(fixture) => _api = new(Gateway, _person);

    [Fact]
    public async Task Postgres_down_is_a_503_that_says_when_to_come_back()
    {
        var id = await _api.CreateAsync();
        await Pipeline.Database.CloseAsync();
        try
        {
            var answers = await Task.WhenAll(
                _api.GetAsync(""),
                _api.PostAsync("", """{"agent_id":"a"}"""),
                _api.GetAsync($"/{id}/messages"),
                _api.PatchAsync($"/{id}", """{"title":"x"}"""),
                _api.DeleteAsync($"/{id}")
            );
            Assert.All(
                answers,
                answer =>
                {
                    answer.ExpectProblem(503);
                    Assert.Equal("2", answer.Headers["Retry-After"]);
                }
            );
        }
        finally
        {
            await Pipeline.Database.OpenAsync();
        }

        await Until.TrueAsync(async () => (await _api.GetAsync($"/{id}")).Status == 200);
        Assert.Equal(1, await Sql.ScalarAsync<long>("SELECT count(*) FROM web_conversations WHERE tenant_id = $1", _person.Tenant));
    }

    [Fact]
    public async Task Redis_down_leaves_a_conversation_with_a_live_turn_undeleted_and_lists_all_the_same()
    {
        var (live, idle) = (await _api.CreateAsync(), await _api.CreateAsync());
        await using var chat = await OpenAsync(_person, live);
        await chat.SayAsync("/silent");
        await Until.TrueAsync(async () => await Sql.MessageCountAsync(_person.Tenant) == 2);
        await Pipeline.Redis.KillServerAsync();
        try
        {
            (await _api.DeleteAsync($"/{live}")).ExpectProblem(503);
            (await _api.DeleteAsync($"/{idle}")).Expect(204);
            Assert.Single((await _api.GetAsync("")).Expect(200).Json.GetProperty("items").EnumerateArray());
        }
        finally
        {
            await Pipeline.Redis.StartServerAsync();
        }

        await Until.TrueAsync(async () => (await _api.DeleteAsync($"/{live}")).Status is 204 or 404, TimeSpan.FromSeconds(60));
        Assert.Equal(0, await Sql.MessageCountAsync(_person.Tenant));
    }

    [Theory]
    [InlineData("before the end")]
    [InlineData("after the end")]
    public async Task Postgres_down_while_an_answer_streams_loses_nothing_and_stores_nothing_twice(string back)
    {
        var id = Guid.NewGuid();
        await using var chat = await OpenAsync(_person, id);
        await chat.SayAsync("/stream tokens=40 rate=40");
        await chat.ExpectAsync(Frames.Typing);
        Assert.NotNull(await chat.ReceiveAsync());
        await Pipeline.Database.CloseAsync();
        try
        {
            // The stream goes on: no token needs Postgres.
            for (var chunks = 1; chunks < (back == "after the end" ? 40 : 10); chunks++)
            {
                Assert.Contains("\"chunk\"", await chat.ReceiveAsync(), StringComparison.Ordinal);
            }
        }
        finally
        {
            await Pipeline.Database.OpenAsync();
        }

        var turn = await chat.ReceiveTurnAsync(TimeSpan.FromSeconds(60));
        var messages = await AnsweredAsync(id);
        Assert.Equal([new("user", "/stream tokens=40 rate=40", "completed"), new StoredMessage("assistant", turn.Answer, "completed")], messages);
    }
}
