using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Telemetry;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Conversations;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Turns;

/// <summary>Cancels turns, from any replica, whether or not a worker has them yet. Throws what the stores throw when they are down.</summary>
internal sealed class TurnCanceller(ConversationStore store, ConversationFeeds feeds, TurnLog log, DispatchQueue queue)
{
    /// <summary>Cancels a turn that the server has named. False: this conversation has no such turn.</summary>
    public async Task<bool> CancelAsync(ConversationKey key, Guid turnId, CancellationToken cancellationToken)
    {
        var row = await store.FindTurnAsync(key.TenantId, key.ConversationId, turnId, cancellationToken);
        if (row is { IsEnded: false })
        {
            await EndAsync(row);
        }

        return row is not null;
    }

    /// <summary>
    /// Cancels by the client's own id, also a message that is not accepted yet: that is remembered for a minute, for this user alone. The second look closes the gap
    /// between the first and the remembering; whoever accepts the message looks when it queues it, after committing.
    /// </summary>
    public async Task CancelAsync(ConversationKey key, string messageId, CancellationToken cancellationToken)
    {
        if (await store.FindTurnAsync(key, messageId, cancellationToken) is not { } row)
        {
            await queue.RememberCancelAsync(RedisKeys.CancelledMessage(key.TenantId, key.UserId, key.ConversationId, messageId));
            row = await store.FindTurnAsync(key, messageId, cancellationToken);
        }

        if (row is { IsEnded: false })
        {
            await EndAsync(row);
        }
    }

    /// <summary>Cancels a turn that has not ended, as far as its row tells.</summary>
    public async Task EndAsync(TurnRow row)
    {
        var key = new FeedKey(row.TenantId, row.ConversationId);
        var trace = feeds.TraceOf(key, row.TurnId);
        if (trace == default)
        {
            trace = TraceParent.Parse((await log.ReadStateAsync(row.ConversationId, row.TurnId)).Traceparent); // It began on another gateway.
        }

        using var span = GatewayTelemetry.StartChild("turn.cancel", trace)?.SetTurn(row.TurnId);
        await log.EndAsync(new(row.ConversationId, row.TurnId, Math.Max(row.Attempt, 1), feeds.ChannelOf(key)), TurnOutcome.Cancelled);
    }
}
