using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Faults;

/// <summary>A Postgres that is there and refuses: the gateway ended within seconds, and again after each restart.</summary>
[Collection<Sharing<OwnStores>>]
[Trait("Tier", "Long")]
public sealed class PostgresRefusalTests(OwnStores stores) : OwnStoresTests(stores)
{
    private const string Asked = "/stream tokens=60 rate=30";

    private PostgresServer Server => Pipeline.Database.Server;

    [Fact]
    public async Task Postgres_that_turns_read_only_under_an_answer_gets_it_when_it_can_write()
    {
        await using var chat = await RawChat.OpenAsync(Pipeline.Gateway, Person, Conversation);
        await chat.SayAsync(Asked);
        await chat.ExpectAsync(Frames.Typing);
        // Version 1 shows typing before the message is stored.
        await Until.TrueAsync(async () => (await Pipeline.Sql.MessagesAsync(Conversation)).Count > 0);
        await Server.SetReadOnlyAsync(true);
        try
        {
            await FailedAsync(Pipeline.Gateway, "is tried again", "25006");
            await using var other = await RawChat.OpenAsync(Pipeline.Gateway, Person, Guid.NewGuid());
            await other.SayAsync("/burst 1");
            await other.ExpectAsync(Frames.Typing);
            await other.ExpectErrorAsync();
            AssertAlive();
        }
        finally
        {
            await Server.SetReadOnlyAsync(false);
        }

        var chunks = await chat.ReceiveTurnAsync();
        Assert.Equal(Answers.Of(Asked), chunks.Answer);
        Assert.Equal("completed", (await Pipeline.Sql.MessagesAsync(Conversation))[1].Status);
        await AssertServesAsync();
    }

    [Fact]
    public async Task A_right_that_is_taken_away_and_given_back_ends_nothing()
    {
        const string Function = "FUNCTION pending_turns(interval, uuid, uuid, integer)";
        await Pipeline.Sql.ExecuteAsync($"REVOKE EXECUTE ON {Function} FROM {PostgresServer.ServingRole}");
        try
        {
            await FailedAsync(Pipeline.Gateway, "is tried again", "42501");
            AssertAlive();
        }
        finally
        {
            await Pipeline.Sql.ExecuteAsync($"GRANT EXECUTE ON {Function} TO {PostgresServer.ServingRole}");
        }

        await AssertServesAsync();
    }
}
