using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Telemetry;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Streaming;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Turns;

/// <summary>Cancels turns from any replica, whether or not a worker has claimed them. Throws what the stores throw when they are down.</summary>
internal sealed class TurnCanceller(ConversationStore store, ConversationFeeds feeds, TurnLog log, DispatchQueue queue, ITurnDispatcher dispatcher)
{
    /// <summary>Cancels a turn by its id. False: the conversation does not have this turn.</summary>
    public async Task<bool> CancelAsync(ConversationKey key, Guid turnId, CancellationToken cancellationToken)
    {
        var row = await store.FindTurnAsync(key, turnId, cancellationToken);
        if (row is { IsEnded: false })
        {
            await CancelAsync(row);
        }

        return row is not null;
    }

    /// <summary>
    /// Cancels a message by the client's id. If the message is not accepted yet, the cancel is kept for a minute,
    /// for this user only. The second lookup closes the race between the first one and the mark. The gateway that
    /// accepts the message checks the mark when it queues the message, after its commit.
    /// </summary>
    public async Task CancelAsync(ConversationKey key, Guid userId, string messageId, CancellationToken cancellationToken)
    {
        if (await store.FindTurnAsync(key, userId, messageId, cancellationToken) is not { } row)
        {
            await queue.RememberCancelAsync(RedisKeys.CancelledMessage(key.TenantId, userId, key.ConversationId, messageId));
            row = await store.FindTurnAsync(key, userId, messageId, cancellationToken);
        }

        if (row is { IsEnded: false })
        {
            await CancelAsync(row);
        }
    }

    /// <summary>Cancels a turn that is pending according to its row.</summary>
    public async Task CancelAsync(TurnRow row)
    {
        var trace = feeds.TraceOf(row.Key, row.TurnId);
        if (trace == default)
        {
            trace = TraceParent.Parse((await log.ReadStateAsync(row.Key.ConversationId, row.TurnId)).Traceparent); // Another gateway began it.
        }

        using var span = GatewayTelemetry.StartChild("turn.cancel", trace)?.SetTurn(row.TurnId);
        await log.CancelAsync(new(row.Key.ConversationId, row.TurnId, Math.Max(row.Attempt, 1), feeds.ChannelOf(row.Key)));
        await dispatcher.WithdrawAsync(row.Key, row.TurnId);
    }
}
