using Konstruct.Contracts.Redis;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.ProtocolV1;

/// <summary>A store that is down: the client is told, nothing is dispatched, and the same socket works when the store is back.</summary>
public abstract class OutageTests(FaultyPipeline fixture) : PipelineTests(fixture)
{
    private readonly Person _person = Person.New();
    private readonly Guid _conversation = Guid.NewGuid();

    [Fact]
    [OriginalFlaw("Postgres down: stream looks normal, nothing is saved, client not told")]
    public async Task Postgres_down_is_an_error_and_nothing_is_dispatched()
    {
        await using var chat = await OpenAsync(_person, _conversation);
        await Pipeline.Database.CloseAsync();
        try
        {
            await chat.SayAsync("/burst 1");
            await ExpectErrorAfterTypingAsync(chat);
            Assert.DoesNotContain(await Pipeline.Redis.ValuesAsync("*{dispatch}*"), v => v.Contains($"{_conversation}", StringComparison.Ordinal));
        }
        finally
        {
            await Pipeline.Database.OpenAsync();
        }

        await AskUntilAnsweredAsync(chat);
        Assert.Equal(2, await Sql.MessageCountAsync(_person.Tenant));
    }

    [Fact]
    [OriginalFlaw("Redis down when a message comes: typing, user row saved, socket closed")]
    public async Task Redis_down_is_an_error_or_a_later_answer_and_the_socket_stays()
    {
        await using var chat = await OpenAsync(_person, _conversation);
        await Pipeline.Redis.KillServerAsync();
        try
        {
            await chat.SayAsync("/burst 1");
            await ExpectErrorAfterTypingAsync(chat);
        }
        finally
        {
            await Pipeline.Redis.StartServerAsync();
        }

        await AskUntilAnsweredAsync(chat);
        // What was accepted, if anything was, ends as well, and exactly once.
        await Until.TrueAsync(
            async () => (await Sql.MessagesAsync(_conversation)).All(m => m.Role == "user" || m.Status != "pending"),
            TimeSpan.FromSeconds(60)
        );
        var messages = await Sql.MessagesAsync(_conversation);
        Assert.Equal(messages.Count(m => m.Role == "user"), messages.Count(m => m.Role == "assistant"));
    }

    /// <summary>An answer that was stored was told only when its entry in the dispatch queue was gone, or Redis had been given up.</summary>
    [Fact]
    public async Task Redis_that_hangs_when_an_answer_is_stored_holds_up_nobody()
    {
        await using var patient = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["ConnectionStrings__redis"] = $"{Pipeline.Redis.ConnectionString},asyncTimeout=600000" }
        );
        await using var chat = await RawChat.OpenAsync(patient, _person, _conversation);
        await chat.SayAsync("/stream tokens=2 rate=10 delay=1000");
        await Until.TrueAsync(async () => await Sql.MessageCountAsync(_person.Tenant) == 2);
        var turn = await Sql.ScalarAsync<Guid>("SELECT turn_id FROM web_turns WHERE conversation_id = $1", _conversation);
        var messages = await Sql.LockMessagesAsync();
        try
        {
            await Until.TrueAsync(async () =>
                await Pipeline.Redis.Database.SortedSetScoreAsync(RedisKeys.Answered, RedisKeys.Entry(turn, 1)) is not null
            );
            Pipeline.Redis.Stall();
        }
        finally
        {
            await messages.DisposeAsync();
        }

        try
        {
            (await chat.ReceiveTurnAsync()).AssertWhole(_conversation);
        }
        finally
        {
            Pipeline.Redis.Resume();
        }

        await Until.TrueAsync(async () => !(await Pipeline.Redis.DispatchedAsync()).Any(line => line.Contains($"{turn}", StringComparison.Ordinal)));
    }

    private static async Task ExpectErrorAfterTypingAsync(RawChat chat)
    {
        await chat.ExpectAsync(Frames.Typing, TimeSpan.FromSeconds(2));
        await chat.ExpectErrorAsync(TimeSpan.FromSeconds(60));
    }

    /// <summary>A client that tries again until the stores are back: each try ends in an error frame or an answer, never in silence.</summary>
    private async Task AskUntilAnsweredAsync(RawChat chat) =>
        await Until.TrueAsync(
            async () =>
            {
                await chat.SayAsync("/burst 1");
                var turn = await chat.ReceiveTurnAsync(TimeSpan.FromSeconds(60));
                if (!turn.Frames[^1].StartsWith("""{"type":"done",""", StringComparison.Ordinal))
                {
                    return false;
                }

                turn.AssertWhole(_conversation);
                return true;
            },
            TimeSpan.FromSeconds(60)
        );
}

[Collection<Sharing<FaultyPipeline<OnGarnet>>>]
public sealed class OutagesOnGarnet(FaultyPipeline<OnGarnet> fixture) : OutageTests(fixture);

[Collection<Sharing<FaultyPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class OutagesOnRedis(FaultyPipeline<OnRedis> fixture) : OutageTests(fixture);
