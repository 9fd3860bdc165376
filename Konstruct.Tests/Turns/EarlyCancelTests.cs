using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Turns.Repair;
using Konstruct.Tests.Streaming;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace Konstruct.Tests.Turns;

/// <summary>
/// A client cancels a message that is not accepted yet, and the gateway that accepts it dies before it queues it. The sweep dispatched the turn.
/// </summary>
public sealed class EarlyCancelTests(GatewayInside gateway) : IClassFixture<GatewayInside>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private Sweeper Sweeper => gateway.Get<IEnumerable<IHostedService>>().OfType<Sweeper>().Single();

    [Fact]
    public async Task The_sweep_cancels_what_was_cancelled_before_it_was_accepted()
    {
        var key = new ConversationKey(Guid.NewGuid(), Guid.NewGuid());
        await gateway.Canceller.CancelAsync(key, GatewayInside.User, "m", Cancellation);
        var turnId = await LeftBehindAsync(key, "m");

        await Sweeper.SweepAsync(Cancellation);

        Assert.Equal(DispatchState.Missing, await StateAsync(turnId));
        Assert.Equal("cancelled", (await gateway.Sql.MessagesAsync(key.ConversationId)).Single(message => message.Role == "assistant").Status);
    }

    [Fact]
    public async Task The_sweep_dispatches_another_message_of_the_conversation()
    {
        var key = new ConversationKey(Guid.NewGuid(), Guid.NewGuid());
        await gateway.Canceller.CancelAsync(key, GatewayInside.User, "m", Cancellation);
        var turnId = await LeftBehindAsync(key, "another");

        await Sweeper.SweepAsync(Cancellation);

        Assert.Equal(DispatchState.Waiting, await StateAsync(turnId));
    }

    private async Task<DispatchState> StateAsync(Guid turnId) => (await gateway.Queue.InspectAsync([RedisKeys.Entry(turnId, 2)]))[0];

    /// <summary>A turn that its gateway has committed and not queued, old enough for the sweep.</summary>
    private async Task<Guid> LeftBehindAsync(ConversationKey key, string messageId)
    {
        var turnId = Guid.CreateVersion7();
        var user = $"{GatewayInside.User}";
        var task = new KonstructMessage
        {
            Id = Guid.NewGuid(),
            TenantId = key.TenantId,
            ChannelMetadata = new(user, key.TenantId, key.ConversationId),
            Sender = new(user, "Portal User"),
            Content = new("hello"),
            Timestamp = DateTimeOffset.UtcNow,
            ThreadId = key.ConversationId,
            ConversationId = key.ConversationId,
            PortalUserId = user,
            AgentId = "",
            TurnId = turnId,
            Attempt = 1,
        };
        await gateway.AcceptAsync(key, turnId, messageId, task.ToJson());
        await gateway.Sql.ExecuteAsync($"UPDATE web_turns SET created_at = created_at - interval '20 seconds' WHERE turn_id = '{turnId}'");
        return turnId;
    }
}
