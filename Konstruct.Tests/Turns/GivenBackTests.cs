using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Storage;
using Konstruct.Tests.Streaming;
using Xunit;

namespace Konstruct.Tests.Turns;

/// <summary>
/// A Redis that is full refuses an attempt, and its gateway gives it back. Another gateway that looked in between took the attempt for lost and used up the
/// next one.
/// </summary>
public sealed class GivenBackTests(GatewayInside gateway) : IClassFixture<GatewayInside>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_attempt_that_may_be_given_back_is_lost_in_the_second_round_only()
    {
        var turnId = await gateway.LeaveBehindAsync(new ConversationKey(Guid.NewGuid(), Guid.NewGuid()));
        await gateway.Sql.ExecuteAsync($"UPDATE web_turns SET attempt = 0 WHERE turn_id = '{turnId}'");
        await gateway.Sweeper.SweepAsync(Cancellation);
        Assert.Equal(DispatchState.Waiting, await gateway.StateOfAsync(turnId, 1));
        await gateway.Queue.RemoveAsync(RedisKeys.Entry(turnId, 1)); // What another gateway sees of one that was refused: given out and not queued.

        await gateway.Sweeper.SweepAsync(Cancellation);
        Assert.Equal(DispatchState.Missing, await gateway.StateOfAsync(turnId, 2));

        await gateway.Sweeper.SweepAsync(Cancellation);
        Assert.Equal(DispatchState.Waiting, await gateway.StateOfAsync(turnId, 2));
    }
}
