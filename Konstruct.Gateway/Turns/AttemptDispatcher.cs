using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Storage;
using Konstruct.ServiceDefaults.Stores;
using StackExchange.Redis;

namespace Konstruct.Gateway.Turns;

/// <summary>
/// Queues attempts that Postgres has issued. An attempt that Redis refused was never queued, so its number is
/// returned to Postgres: a Redis that is full for a minute must not use up a turn's attempts.
/// </summary>
internal sealed partial class AttemptDispatcher(DispatchQueue queue, ConversationStore store, ILogger<AttemptDispatcher> logger)
{
    /// <inheritdoc cref="DispatchQueue.EnqueueAsync"/>
    public async Task<bool> EnqueueAsync(
        KonstructMessage message,
        (RedisChannel Channel, byte[] Payload)? announcement = null,
        RedisKey? cancelMark = null
    )
    {
        try
        {
            return await queue.EnqueueAsync(message, announcement, cancelMark);
        }
        catch (RedisServerException refusal)
        {
            // A call that timed out or lost its connection may still have run, or may yet run. After an error reply the script is over.
            await GiveBackAsync(message, refusal);
            throw;
        }
    }

    /// <summary>
    /// A script can be refused halfway, so this asks the queue whether the entry exists. No other
    /// process can have removed it yet: a lease lasts longer.
    /// </summary>
    private async Task GiveBackAsync(KonstructMessage message, RedisServerException refusal)
    {
        try
        {
            if (await queue.InspectAsync([RedisKeys.Entry(message.TurnId, message.Attempt)]) is [DispatchState.Missing])
            {
                var key = new ConversationKey(message.TenantId, message.ConversationId);
                await store.ReturnAttemptAsync(key, message.TurnId, message.Attempt, CancellationToken.None);
            }
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            Log.NotGivenBack(logger, message.Attempt, message.TurnId, refusal.Message, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(350, LogLevel.Warning, "Attempt {Attempt} of turn {TurnId} was not queued ({Refusal}) and could not be given back: {Reason}")]
        public static partial void NotGivenBack(ILogger logger, int attempt, Guid turnId, string refusal, string reason);
    }
}
