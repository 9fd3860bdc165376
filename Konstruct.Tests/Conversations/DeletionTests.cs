using System.Text.Json;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Conversations;

/// <summary>Deleting a conversation in which an answer is being written.</summary>
public abstract class DeletionTests(UsualPipeline fixture) : PipelineTests(fixture)
{
    private readonly Person _person = Person.New();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_live_turn_is_cancelled_and_its_sockets_get_their_end_whichever_gateway_deletes(bool sameGateway)
    {
        var deleting = sameGateway ? Gateway : await Pipeline.StartGatewayAsync();
        var api = new ApiClient(deleting, _person);
        var id = await api.CreateAsync();
        await using var first = await OpenAsync(_person, id);
        await using var second = await RawChat.ConnectAsync(Gateway, $"{id}", "konstruct.chat.v2");
        await second.SendAsync(_person.Auth);
        Assert.Contains("\"ready\"", await second.ReceiveAsync(), StringComparison.Ordinal);
        await first.SayAsync("/long");
        await first.ExpectAsync(Frames.Typing);
        Assert.Contains("\"chunk\"", await first.ReceiveAsync(), StringComparison.Ordinal);

        (await api.DeleteAsync($"/{id}")).Expect(204);

        Assert.StartsWith("""{"type":"done","text":""", (await first.ReceiveTurnAsync()).Frames[^1], StringComparison.Ordinal);
        using var end = JsonDocument.Parse((await second.ReceiveTurnAsync()).Frames[^1]);
        Assert.Equal("cancelled", end.RootElement.GetProperty("reason").GetString());
        Assert.Equal(0, await Sql.MessageCountAsync(_person.Tenant));
        (await api.GetAsync($"/{id}")).ExpectProblem(404);
        await Until.TrueAsync(async () =>
            !(await Pipeline.Redis.ValuesAsync("*{dispatch}*")).Any(v => v.Contains($"{id}", StringComparison.Ordinal))
        );
    }

    [Fact]
    public async Task Turns_that_begin_while_it_is_deleted_neither_block_it_nor_outlive_it()
    {
        var api = new ApiClient(Gateway, _person);
        var id = await api.CreateAsync();
        // Where missing conversations are created, the last message could bring it back; that is not what is tested.
        var strict = await Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["Chat__CreateMissingConversations"] = "false" });
        var chats = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => RawChat.OpenAsync(strict, _person, id)));
        var talking = chats.Select(TalkUntilRefusedAsync).ToArray();
        await Until.TrueAsync(async () => await Sql.MessageCountAsync(_person.Tenant) > 20);

        (await api.DeleteAsync($"/{id}")).Expect(204);

        await Task.WhenAll(talking);
        Assert.Equal(0, await Sql.MessageCountAsync(_person.Tenant));
        await strict.TerminateAsync();
        foreach (var chat in chats)
        {
            await chat.DisposeAsync();
        }
    }

    [Fact]
    public async Task Two_who_delete_at_once_wait_for_each_other()
    {
        var api = new ApiClient(Gateway, _person);
        var id = await api.CreateAsync();
        await using var chat = await OpenAsync(_person, id);
        await chat.SayAsync("/silent");
        await Until.TrueAsync(async () => await Sql.MessageCountAsync(_person.Tenant) == 2);

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => api.DeleteAsync($"/{id}")));

        Assert.Contains(answers, a => a.Status == 204);
        Assert.All(answers, a => Assert.Contains(a.Status, new[] { 204, 404 }));
        Assert.Equal(0, await Sql.MessageCountAsync(_person.Tenant));
    }

    private static async Task TalkUntilRefusedAsync(RawChat chat)
    {
        while (true)
        {
            await chat.SayAsync("/stream tokens=3 rate=100");
            var turn = await chat.ReceiveTurnAsync(TimeSpan.FromSeconds(30));
            if (turn.Frames[^1] == Frames.Error("The conversation does not exist."))
            {
                return;
            }

            Assert.StartsWith("""{"type":"done",""", turn.Frames[^1], StringComparison.Ordinal);
        }
    }
}

[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class DeletionsOnGarnet(UsualPipeline<OnGarnet> fixture) : DeletionTests(fixture);

[Collection<Sharing<UsualPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class DeletionsOnRedis(UsualPipeline<OnRedis> fixture) : DeletionTests(fixture);
