using Konstruct.Contracts.Dispatch;
using Konstruct.Gateway.Storage;
using Konstruct.Tests.Streaming;
using Xunit;

namespace Konstruct.Tests.Turns;

/// <summary>
/// A client cancels a message that is not accepted yet, and the gateway that accepts it dies before it queues it. The sweep dispatched the turn.
/// </summary>
public sealed class EarlyCancelTests(GatewayInside gateway) : IClassFixture<GatewayInside>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_sweep_cancels_what_was_cancelled_before_it_was_accepted()
    {
        var key = new ConversationKey(Guid.NewGuid(), Guid.NewGuid());
        await gateway.Canceller.CancelAsync(key, GatewayInside.User, "m", Cancellation);
        var turnId = await gateway.LeaveBehindAsync(key, "m");

        await gateway.Sweeper.SweepAsync(Cancellation);

        Assert.Equal(DispatchState.Missing, await gateway.StateOfAsync(turnId, 2));
        Assert.Equal("cancelled", (await gateway.Sql.MessagesAsync(key.ConversationId)).Single(message => message.Role == "assistant").Status);
    }

    [Fact]
    public async Task The_sweep_dispatches_another_message_of_the_conversation()
    {
        var key = new ConversationKey(Guid.NewGuid(), Guid.NewGuid());
        await gateway.Canceller.CancelAsync(key, GatewayInside.User, "m", Cancellation);
        var turnId = await gateway.LeaveBehindAsync(key, "another");

        await gateway.Sweeper.SweepAsync(Cancellation);

        Assert.Equal(DispatchState.Waiting, await gateway.StateOfAsync(turnId, 2));
    }
}
