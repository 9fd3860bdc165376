using Konstruct.Tests.Faults;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Turns;

/// <summary>Attempts are counted when they are queued. A Redis that was full used up all of a turn's within seconds, and the turn failed without having been tried.</summary>
[Collection<Sharing<OwnStores>>]
[Trait("Tier", "Long")]
public sealed class AttemptTests(OwnStores stores) : OwnStoresTests(stores)
{
    private const string Asked = "/burst 3";

    [Fact]
    public async Task A_Redis_that_is_full_uses_up_no_attempt()
    {
        var second = await Pipeline.StartGatewayAsync();
        await using var chat = await RawChat.OpenAsync(Pipeline.Gateway, Person, Conversation);
        await Pipeline.Redis.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "1");
        try
        {
            await chat.SayAsync(Asked);
            await chat.ExpectAsync(Frames.Typing);
            await Until.TrueAsync(
                async () => await UpdatesAsync() >= 12 || await FailedAsync(),
                what: "six attempts that were given out and given back"
            );
            Assert.False(await FailedAsync());
        }
        finally
        {
            await Pipeline.Redis.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        }

        await AssertAnsweredAsync(chat, Asked);
        Assert.Equal(
            1,
            await Pipeline.Sql.ScalarAsync<int>(
                "SELECT attempt FROM web_conversation_messages WHERE conversation_id = $1 AND role = 'assistant'",
                Conversation
            )
        );
        await second.TerminateAsync();
    }

    private async Task<bool> FailedAsync() => (await Pipeline.Sql.MessagesAsync(Conversation)).Any(m => m.Status == "failed");

    /// <summary>Of running turns, in this database. PostgreSQL counts them a second late.</summary>
    private Task<long> UpdatesAsync() => Pipeline.Sql.ScalarAsync<long>("SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'web_turns'");
}
