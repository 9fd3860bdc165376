using Konstruct.Tests.Conversations;
using Konstruct.Tests.Harness;
using Konstruct.Tests.Harness.Balancer;
using Xunit;

namespace Konstruct.Tests.Original;

/// <summary>Behind one address are the original and this gateway. A v1 client never learns which one it got.</summary>
public sealed class BesideTests(DatabaseFactory databases)
{
    private readonly Person _person = Person.New();

    [Fact]
    public async Task A_conversation_goes_on_at_either_gateway_and_both_have_its_history()
    {
        var database = await OriginalDatabase.CreateAsync(databases);
        await using var pipeline = await Pipeline.StartAsync(
            databases,
            RedisKind.Garnet,
            settings: new Dictionary<string, string> { ["Chat__CreateMissingConversations"] = "false" },
            servingConnection: async _ =>
            {
                await database.AdoptAsync();
                return database.Database.ServingConnectionString;
            }
        );
        await using var original = await OriginalGateway.StartAsync(database, pipeline.Redis);
        await using var balancer = new TcpBalancer(pipeline.Gateway.Port, original.Port);
        var conversation = await database.NewConversationAsync(_person);
        var (said, byOriginal) = (new List<string>(), 0);
        for (var i = 0; i < 6; i++)
        {
            // A connection per message: the balancer hands them out in turn.
            await using var chat = await RawChat.OpenAsync(balancer, _person, conversation);
            var text = $"/burst 3 number {i}";
            await chat.SayAsync(text);
            var turn = await chat.ReceiveTurnAsync();
            Assert.NotEmpty(turn.Answer);
            byOriginal += turn.Answer == string.Concat(OriginalGateway.AnswerTo(text)) ? 1 : 0;
            said.AddRange([text, turn.Answer]);
        }

        Assert.Equal(3, byOriginal);
        await using var reader = await database.ConnectAsync(_person.Tenant);
        Assert.Equal(said, (await reader.ReadAsync(conversation)).Select(message => message.Content));
        var history = await new ApiClient(pipeline.Gateway, _person).ReadAllAsync($"/{conversation}/messages", limit: 5);
        Assert.Equal(said, history.Select(item => item.GetProperty("content").GetString()!).Reverse());
        Assert.All(history, item => Assert.Equal("completed", item.GetProperty("status").GetString()));
        Assert.Equal(0, await database.Sql.RunningTurnCountAsync());
    }
}
