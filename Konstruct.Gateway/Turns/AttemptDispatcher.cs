using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Conversations;
using Konstruct.ServiceDefaults.Stores;
using StackExchange.Redis;

namespace Konstruct.Gateway.Turns;

/// <summary>
/// Queues attempts that Postgres has given out. One that Redis refused was never queued, and its number is given back: a Redis that is full for a minute must not
/// use up a turn's attempts.
/// </summary>
internal sealed partial class AttemptDispatcher(DispatchQueue queue, ConversationStore store, ILogger<AttemptDispatcher> logger)
{
    /// <inheritdoc cref="DispatchQueue.EnqueueAsync"/>
    public async Task<bool> EnqueueAsync(KonstructMessage message, (RedisChannel Channel, byte[] Payload)? announcement = null, RedisKey? cancelMark = null)
    {
        try
        {
            return await queue.EnqueueAsync(message, announcement, cancelMark);
        }
        catch (RedisServerException refusal)
        {
            // Of a call that timed out or was cut off nobody knows; one that Redis answered with an error has run, if at all, before this.
            await GiveBackAsync(message, refusal);
            throw;
        }
    }

    /// <summary>A script may be refused in its middle: the queue is asked whether the entry is there. Nobody else can have taken it out since, a lease lasts longer.</summary>
    private async Task GiveBackAsync(KonstructMessage message, RedisServerException refusal)
    {
        try
        {
            if (await queue.InspectAsync([RedisKeys.Entry(message.TurnId, message.Attempt)]) is [DispatchState.Missing])
            {
                await store.ReturnAttemptAsync(message.TenantId, message.TurnId, message.Attempt, CancellationToken.None);
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
