using Konstruct.Contracts.Dispatch;
using Konstruct.Gateway.Protocol;
using Konstruct.Gateway.Storage;
using StackExchange.Redis;

namespace Konstruct.Gateway.Turns;

/// <summary>
/// How turns get to an orchestrator, and how the sweep sees them there. <c>Dispatch:Queue</c> selects the implementation. All calls throw
/// <see cref="RedisException"/> or <see cref="TimeoutException"/> when Redis cannot be reached.
/// </summary>
internal interface ITurnDispatcher
{
    /// <summary>Maximum number of turns that run at once in one conversation.</summary>
    int MaxTurnsPerConversation { get; }

    /// <summary>Waits until the conversation may begin another turn. Called before the message is stored.</summary>
    /// <param name="message">The message.</param>
    /// <param name="turnId">The turn that it would begin.</param>
    /// <param name="gone">Cancelled when the socket closes: a message that still waits is not accepted.</param>
    /// <returns>Null: it may. Otherwise why not.</returns>
    Task<WireError?> EnterAsync(IncomingMessage message, Guid turnId, CancellationToken gone);

    /// <summary>Takes back <see cref="EnterAsync"/>: the message began no turn. Never throws an outage.</summary>
    Task LeaveAsync(ConversationKey key, Guid turnId);

    /// <summary>Dispatches an attempt of a stored turn. A repeated call does not dispatch it twice.</summary>
    /// <param name="task">The task.</param>
    /// <param name="announcement">Published on the conversation's channel first; null: nothing.</param>
    /// <param name="cancelMark">Mark of an early cancel; null: the message cannot be cancelled early.</param>
    /// <returns>False: the client has cancelled the message, and nothing was dispatched.</returns>
    Task<bool> DispatchAsync(KonstructMessage task, (RedisChannel Channel, byte[] Payload)? announcement = null, RedisKey? cancelMark = null);

    /// <summary>Returns the states of turns, in the same order.</summary>
    Task<IReadOnlyList<DispatchState>> InspectAsync(IReadOnlyCollection<PendingTurn> turns);

    /// <summary>
    /// Whether the sweep may dispatch a turn that is <see cref="DispatchState.Missing"/>. False: the dispatcher repairs it in its own way,
    /// and has begun to.
    /// </summary>
    Task<bool> MayRedispatchAsync(PendingTurn turn);

    /// <summary>
    /// Called when a client or a gateway has ended a turn, so that the orchestrator does not begin it or stops. Never throws an outage.
    /// </summary>
    Task WithdrawAsync(ConversationKey key, Guid turnId);

    /// <summary>Operations to try before the gateway is ready, each with words that complete "Redis refuses to …".</summary>
    IEnumerable<(string What, Func<Task> TryAsync)> Trials();

    /// <summary>Counts what waits.</summary>
    Task<QueueMeasure> MeasureAsync();
}
