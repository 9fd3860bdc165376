using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Hosting;
using Konstruct.Tests.Harness;
using Konstruct.Tests.Streaming;
using Xunit;

namespace Konstruct.Tests.Turns;

/// <summary>A gateway whose time to drain is up.</summary>
public sealed class GatewayThatStops(DatabaseFactory databases) : GatewayInside(databases);

/// <summary>
/// The sweep runs until it is stopped itself, which is a moment after the drain. In that moment each end that it persisted failed as an error that was not
/// foreseen (event 601).
/// </summary>
public sealed class StoppingSweepTests(GatewayThatStops gateway) : IClassFixture<GatewayThatStops>
{
    [Fact]
    public async Task A_sweep_after_the_drain_persists_what_ended()
    {
        var (conversation, turnId) = await gateway.AcceptAsync();
        await gateway.Sql.ExecuteAsync($"UPDATE web_turns SET created_at = created_at - interval '1 minute' WHERE turn_id = '{turnId}'");
        await gateway.Log.CancelAsync(new AttemptKey(conversation.ConversationId, turnId, 1, gateway.Feeds.ChannelOf(conversation)));
        gateway.Get<Stopping>().Abandon();

        await gateway.Sweeper.SweepAsync(TestContext.Current.CancellationToken);

        var messages = await gateway.Sql.MessagesAsync(conversation.ConversationId);
        Assert.Equal("cancelled", messages.Single(message => message.Role == "assistant").Status);
    }
}
