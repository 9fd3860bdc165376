using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.ProtocolV1;

/// <summary>Many conversations at the same time, against a worker that answers at once: the case in which the original loses nearly all.</summary>
public abstract class LoadTests(CrowdedPipeline fixture) : PipelineTests(fixture)
{
    private const int Tokens = 100;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1_000, "/burst 100")]
    [InlineData(200, "/stream tokens=100 rate=0 delay=20")]
    [OriginalFlaw("worker answers before the gateway has subscribed: answers lost, the client hangs")]
    public async Task Conversations_at_the_same_time_lose_nothing_and_mix_nothing(int conversations, string scenario)
    {
        var tenant = Guid.NewGuid();
        var connecting = new SemaphoreSlim(50);
        var sessions = await Task.WhenAll(
            Enumerable
                .Range(0, conversations)
                .Select(async i =>
                {
                    var conversation = Guid.NewGuid();
                    await connecting.WaitAsync();
                    var chat = await OpenAsync(new Person(tenant, Guid.NewGuid()), conversation);
                    connecting.Release();
                    return (Chat: chat, Conversation: conversation, Text: $"{scenario} conversation-{i}");
                })
        );

        // Every socket is open before the first message is sent.
        var turns = await Task.WhenAll(
            sessions.Select(async session =>
            {
                await session.Chat.SayAsync(session.Text);
                try
                {
                    return (await session.Chat.ReceiveTurnAsync(Limit)).AssertWhole(session.Conversation);
                }
                catch (TimeoutException e)
                {
                    var rows = string.Join(", ", await Sql.MessagesAsync(session.Conversation));
                    throw new TimeoutException($"{session.Text}: {e.Message}\nIn Postgres: {rows}", e);
                }
            })
        );

        Assert.All(turns, turn => Assert.Equal(Tokens, turn.Chunks.Count));
        var stored = await Sql.MessagesOfTenantAsync(tenant);
        Assert.Equal(conversations, stored.Count);
        foreach (var ((chat, conversation, text), turn) in sessions.Zip(turns))
        {
            Assert.Equal([("user", text), ("assistant", turn.Answer)], stored[conversation].Select(m => (m.Role, m.Content)));
            await chat.DisposeAsync();
        }

        await AssertAnsweredAloneAsync(sessions.Zip(turns).Where((_, i) => i % 50 == 0).Select(pair => (pair.First.Text, pair.Second.Answer)));
    }

    /// <summary>
    /// The stub's answers are a function of the text: what was answered in the crowd must be what is answered to a single client. This is
    /// what would show an answer that went to the wrong conversation, on the wire and in Postgres alike.
    /// </summary>
    private async Task AssertAnsweredAloneAsync(IEnumerable<(string Text, string Answer)> answers)
    {
        var distinct = new HashSet<string>();
        foreach (var (text, answer) in answers)
        {
            var conversation = Guid.NewGuid();
            await using var alone = await OpenAsync(Person.New(), conversation);
            await alone.SayAsync(text);
            Assert.Equal((await alone.ReceiveTurnAsync()).AssertWhole(conversation).Answer, answer);
            Assert.True(distinct.Add(answer), $"the stub answers {text} as it answered another text, so this test proves nothing");
        }
    }
}

[Collection<CrowdedOnGarnet>]
[Trait("Tier", "Long")]
public sealed class LoadOnGarnet(CrowdedPipeline<OnGarnet> fixture) : LoadTests(fixture);

[Collection<CrowdedOnRedis>]
[Trait("Tier", "Long")]
public sealed class LoadOnRedis(CrowdedPipeline<OnRedis> fixture) : LoadTests(fixture);
