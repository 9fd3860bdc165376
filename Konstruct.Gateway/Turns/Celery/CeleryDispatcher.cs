using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Protocol;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Streaming;
using Konstruct.ServiceDefaults.Stores;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Konstruct.Gateway.Turns.Celery;

/// <summary>
/// Dispatches to a Celery queue. The gateway listens before it dispatches. A task is put on the queue once: a worker that dies is Celery's
/// business, and a turn that no worker answers fails at its deadline.
/// </summary>
internal sealed partial class CeleryDispatcher(
    CeleryBroker broker,
    LegacyListener listener,
    ListeningLog log,
    TurnLog turnLog,
    ConversationStore store,
    FeedSubscription subscription,
    IConnectionMultiplexer redis,
    TimeProvider time,
    IOptions<DispatchOptions> dispatch,
    IOptions<ChatOptions> chat,
    ILogger<CeleryDispatcher> logger
) : ITurnDispatcher
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(10),
        LongestPause = TimeSpan.FromMilliseconds(500);

    private readonly CeleryOptions _options = dispatch.Value.Celery;

    /// <summary>One where payloads do not name their turn.</summary>
    public int MaxTurnsPerConversation => _options.EchoesTurn ? chat.Value.MaxTurnsPerConversation : 1;

    /// <summary>Time for which a message that is being stored keeps the conversation's place.</summary>
    private TimeSpan WhileStoring => chat.Value.StoreTimeout + chat.Value.SweepAge;

    /// <summary>
    /// Waits for the running turn as a message waits behind another on its socket. A repeated message does not wait: its turn exists.
    /// </summary>
    public async Task<WireError?> EnterAsync(IncomingMessage message, Guid turnId, CancellationToken gone)
    {
        if (_options.EchoesTurn || await log.EnterAsync(message.Key, turnId, WhileStoring))
        {
            return null;
        }

        if (message.Frame.MessageId is { } messageId && await store.FindTurnAsync(message.Key, message.Sender.UserId, messageId, gone) is not null)
        {
            return null;
        }

        var began = time.GetTimestamp();
        var pause = FirstPause;
        do
        {
            if (time.GetElapsedTime(began) > chat.Value.TurnSilenceLimit)
            {
                return WireError.TooManyTurns;
            }

            await Task.Delay(pause, time, gone);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        } while (!await log.EnterAsync(message.Key, turnId, WhileStoring));
        return null;
    }

    public Task LeaveAsync(ConversationKey key, Guid turnId) =>
        _options.EchoesTurn ? Task.CompletedTask : TryAsync(turnId, () => log.LeaveAsync(key, turnId, TimeSpan.Zero));

    public async Task<bool> DispatchAsync(
        KonstructMessage task,
        (RedisChannel Channel, byte[] Payload)? announcement = null,
        RedisKey? cancelMark = null
    )
    {
        var key = new ConversationKey(task.TenantId, task.ConversationId);
        if (cancelMark is { } mark && await redis.GetDatabase().KeyExistsAsync(mark))
        {
            // The canceller sets the mark, then looks for the turn. The turn is committed before this look, so one finds the other.
            await LeaveAsync(key, task.TurnId);
            return false;
        }

        var message = CeleryMessage.Of(task, _options);
        var opening = turnLog.OpenAsync(
            new(task.ConversationId, task.TurnId, task.Attempt, subscription.ChannelOf(key)),
            LegacyListener.Claim,
            task.Traceparent
        );
        var beginning = log.BeginAsync(key, task.TurnId, message, announcement?.Payload);
        await opening;
        switch (await beginning)
        {
            case Begin.Ended:
                return true; // Cancelled meanwhile: not dispatched.
            case Begin.Occupied:
                await store.ReturnAttemptAsync(new(task.TenantId, task.ConversationId), task.TurnId, task.Attempt, CancellationToken.None);
                return true; // The sweep tries again.
        }

        // Never null: the turn has just taken the place.
        var turn = (await listener.ListenAsync(key, task.TurnId, next: 1, task.Traceparent, () => Task.FromResult(true)))!;
        (turn.Attempt, turn.Next, turn.HasLease) = (task.Attempt, 1, true);
        await SendAsync(turn, task, message);
        await listener.RecruitAsync(key, task.TurnId);
        if ((await turnLog.ReadStateAsync(key.ConversationId, task.TurnId)).Outcome is not null)
        {
            await WithdrawAsync(key, task.TurnId); // Cancelled while the task was being sent.
        }

        return true;
    }

    public async Task<IReadOnlyList<DispatchState>> InspectAsync(IReadOnlyCollection<PendingTurn> turns) =>
        [.. (await log.AreHeardAsync(turns)).Select(isHeard => isHeard ? DispatchState.Held : DispatchState.Missing)];

    /// <summary>
    /// No gateway listens to the turn. A task that was never sent is dispatched again. Otherwise this gateway listens from now on, and the
    /// turn goes on.
    /// </summary>
    public async Task<bool> MayRedispatchAsync(PendingTurn turn)
    {
        if (broker.IsConnected && (turn.Attempt == 0 || await broker.WasSentAsync(turn.TurnId, turn.Age) == Sent.No))
        {
            return true;
        }

        var listened = await listener.ListenAsync(
            turn.Key,
            turn.TurnId,
            next: 0,
            traceparent: null,
            () => log.EnterAsync(turn.Key, turn.TurnId, chat.Value.TurnSilenceLimit)
        );
        if (listened is not null)
        {
            Log.TakenOver(logger, turn.TurnId);
            if (listened.Unsent is null && !broker.IsConnected && await log.TaskOfAsync(turn.Key, turn.TurnId) is { } message)
            {
                listened.Unsent = new(message, IsKnown: turn.Attempt == 0, turn.Age); // The broker is asked when it is back.
            }

            listener.Work(listened);
        }

        return false;
    }

    public Task WithdrawAsync(ConversationKey key, Guid turnId) =>
        TryAsync(
            turnId,
            async () =>
            {
                if (await log.TaskOfAsync(key, turnId) is { } message && await broker.RemoveAsync(message))
                {
                    await log.LeaveAsync(key, turnId, TimeSpan.Zero); // No worker has seen the task.
                    return;
                }

                await log.LeaveAsync(key, turnId, _options.LateLimit);
                await broker.RevokeAsync(turnId);
            }
        );

    public IEnumerable<(string What, Func<Task> TryAsync)> Trials() =>
        [
            (
                $"put tasks on the Celery queue '{_options.List}' and publish on '/N.celery.pidbox' (ConnectionStrings:celery, or redis without it)",
                broker.TryAsync
            ),
        ];

    public async Task<QueueMeasure> MeasureAsync() => new(await broker.CountAsync(), Held: 0, Answered: 0, Dead: 0, Oldest: TimeSpan.Zero);

    private async Task SendAsync(ListenedTurn turn, KonstructMessage task, byte[] message)
    {
        turn.Unsent = new(message, IsKnown: false, Age: TimeSpan.Zero);
        try
        {
            await broker.PublishAsync(task.TurnId, message);
            turn.Unsent = null;
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            // The watch sends it when the broker is back. If this gateway stops first, attempt 0 tells the sweep that nothing was sent.
            if (IsKnownNotSent(exception))
            {
                turn.Unsent = new(message, IsKnown: true, Age: TimeSpan.Zero);
                await store.ReturnAttemptAsync(new(task.TenantId, task.ConversationId), task.TurnId, task.Attempt, CancellationToken.None);
            }

            throw;
        }
    }

    /// <summary>An error reply ends the script before it writes. A command that was not sent when it failed is not sent later.</summary>
    private static bool IsKnownNotSent(Exception exception) =>
        exception switch
        {
            RedisServerException => true,
            RedisConnectionException { CommandStatus: CommandStatus.WaitingToBeSent or CommandStatus.WaitingInBacklog } => true,
            RedisTimeoutException { Commandstatus: CommandStatus.WaitingInBacklog } => true,
            _ => false,
        };

    private async Task TryAsync(Guid turnId, Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            Log.NotWithdrawn(logger, turnId, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(365, LogLevel.Warning, "No gateway listened to turn {TurnId}; this one does")]
        public static partial void TakenOver(ILogger logger, Guid turnId);

        [LoggerMessage(366, LogLevel.Warning, "The task of turn {TurnId} could not be withdrawn from Celery and may still be answered: {Reason}")]
        public static partial void NotWithdrawn(ILogger logger, Guid turnId, string reason);
    }
}
