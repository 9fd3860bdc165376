using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Protocol;
using Konstruct.Gateway.Storage;
using Konstruct.ServiceDefaults.Stores;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Konstruct.Gateway.Turns;

/// <summary>
/// Dispatches to the native queue. An attempt that Redis refused was never queued, so its number is
/// returned to Postgres: a Redis that is full for a minute must not use up a turn's attempts.
/// </summary>
internal sealed partial class AttemptDispatcher(
    DispatchQueue queue,
    ConversationStore store,
    IOptions<ChatOptions> options,
    ILogger<AttemptDispatcher> logger
) : ITurnDispatcher
{
    public int MaxTurnsPerConversation => options.Value.MaxTurnsPerConversation;

    public Task<WireError?> EnterAsync(IncomingMessage message, Guid turnId, CancellationToken gone) => Task.FromResult<WireError?>(null);

    public Task LeaveAsync(ConversationKey key, Guid turnId) => Task.CompletedTask;

    /// <inheritdoc cref="DispatchQueue.EnqueueAsync"/>
    public async Task<bool> DispatchAsync(
        KonstructMessage task,
        (RedisChannel Channel, byte[] Payload)? announcement = null,
        RedisKey? cancelMark = null
    )
    {
        try
        {
            return await queue.EnqueueAsync(task, announcement, cancelMark);
        }
        catch (RedisServerException refusal)
        {
            // A call that timed out or lost its connection may still have run, or may yet run. After an error reply the script is over.
            await GiveBackAsync(task, refusal);
            throw;
        }
    }

    public Task<IReadOnlyList<DispatchState>> InspectAsync(IReadOnlyCollection<PendingTurn> turns) =>
        queue.InspectAsync([.. turns.Select(turn => RedisKeys.Entry(turn.TurnId, turn.Attempt))]);

    /// <summary>Every missing attempt is lost: the fence refuses what its worker may still write.</summary>
    public Task<bool> MayRedispatchAsync(PendingTurn turn) => Task.FromResult(true);

    /// <summary>The script that ends a turn tells its worker.</summary>
    public Task WithdrawAsync(ConversationKey key, Guid turnId) => Task.CompletedTask;

    public IEnumerable<(string What, Func<Task> TryAsync)> Trials() => []; // The trial that gateway and orchestrator share covers the queue.

    public Task<QueueMeasure> MeasureAsync() => queue.MeasureAsync();

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
