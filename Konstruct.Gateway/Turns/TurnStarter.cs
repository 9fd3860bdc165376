using System.Diagnostics;
using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Telemetry;
using Konstruct.Gateway.Auth;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Protocol;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Streaming;
using Konstruct.Gateway.Telemetry;
using Konstruct.ServiceDefaults.Stores;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Konstruct.Gateway.Turns;

/// <summary>Result of starting a turn.</summary>
/// <param name="Error">Why the message was not accepted; null: it was accepted.</param>
/// <param name="TurnId">The turn that the message began; for a repeated message, its earlier turn.</param>
/// <param name="Cursor">The socket's place in the turn; null: a repeated message, whose turn must be resumed.</param>
internal readonly record struct StartResult(WireError? Error, Guid TurnId, TurnCursor? Cursor);

/// <summary>
/// Starts turns in a fixed order: subscribe, commit, dispatch. A worker that answers at once finds a listener, and
/// nothing is dispatched that is not stored. If Redis fails after the commit, the sweep dispatches the turn.
/// </summary>
internal sealed partial class TurnStarter(
    ConversationFeeds feeds,
    ConversationStore store,
    TurnLog log,
    ITurnDispatcher dispatcher,
    GatewayMetrics metrics,
    TimeProvider time,
    IOptions<ChatOptions> options,
    ILogger<TurnStarter> logger
)
{
    private readonly ChatOptions _options = options.Value;

    /// <summary>
    /// Accepts or refuses a message. Outages of stores are results, not exceptions. A client that disconnects does not interrupt acceptance.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="sink">Its socket's frames.</param>
    /// <param name="isV2">Whether the socket speaks v2.</param>
    /// <param name="gone">Cancelled when the socket closes. It ends only the wait for the conversation's running turn.</param>
    public async Task<StartResult> StartAsync(IncomingMessage message, IFrameSink sink, bool isV2, CancellationToken gone = default)
    {
        var turnId = Guid.CreateVersion7(time.GetUtcNow());
        var askedAt = metrics.Now;
        using var scope = logger.BeginTurn(message.Sender.TenantId, message.ConversationId, turnId);
        var activity = GatewayTelemetry
            .StartTurn(turnId, message.Sender.TenantId, message.ConversationId, message.Frame.TraceParent)
            ?.SetTag("konstruct.protocol.version", isV2 ? 2 : 1);
        var result = await EnterAsync(message, turnId, gone) is { } refusal
            ? new(refusal, default, null)
            : await StartAsync(message, turnId, activity, askedAt, sink, isV2);
        if (result.Cursor is null)
        {
            await dispatcher.LeaveAsync(message.Key, turnId);
            if (result.Error is { } error)
            {
                activity?.SetTag("error.type", error.Code).SetStatus(ActivityStatusCode.Error);
            }

            activity?.Dispose(); // Otherwise the feed ends it.
        }

        return result;
    }

    /// <inheritdoc cref="ITurnDispatcher.EnterAsync"/>
    private async Task<WireError?> EnterAsync(IncomingMessage message, Guid turnId, CancellationToken gone)
    {
        try
        {
            return await dispatcher.EnterAsync(message, turnId, gone);
        }
        catch (Exception exception) when (exception.IsOutage() || exception is OperationCanceledException)
        {
            Log.NotEntered(logger, message.ConversationId, exception.Message);
            return WireError.Unavailable;
        }
    }

    private async Task<StartResult> StartAsync(IncomingMessage message, Guid turnId, Activity? activity, long askedAt, IFrameSink sink, bool isV2)
    {
        using var limit = new CancellationTokenSource(_options.StoreTimeout, time);
        return await ListenAsync(message, limit.Token) is { } feed
            ? await StartAsync(feed, message, turnId, activity, askedAt, sink, isV2, limit.Token)
            : new(WireError.Unavailable, default, null);
    }

    /// <summary>Null: Redis is down or too slow.</summary>
    private async Task<ConversationFeed?> ListenAsync(IncomingMessage message, CancellationToken limit)
    {
        using var span = GatewayTelemetry.Source.StartActivity("turn.listen");
        try
        {
            return await feeds.AcquireAsync(message.Key, limit);
        }
        catch (Exception exception) when (exception.IsOutage() || exception is OperationCanceledException)
        {
            span?.SetStatus(ActivityStatusCode.Error);
            Log.NotListening(logger, message.ConversationId, exception.Message);
            return null;
        }
    }

    private async Task<StartResult> StartAsync(
        ConversationFeed feed,
        IncomingMessage message,
        Guid turnId,
        Activity? activity,
        long askedAt,
        IFrameSink sink,
        bool isV2,
        CancellationToken limit
    )
    {
        var cursor = feed.Begin(turnId, sink, isV2, message.ConversationIdAsSpelled, activity);
        cursor.AskedAt = askedAt;
        var isAccepted = false;
        try
        {
            var task = TaskFor(message, turnId, activity);
            var accepted = await AcceptAsync(message, task, limit);
            isAccepted = accepted is { Acceptance: Acceptance.Accepted };
            if (accepted is { Acceptance: Acceptance.Accepted or Acceptance.Repeated })
            {
                feed.Subscribers.Admit(sink);
            }

            if (accepted is { Acceptance: Acceptance.Repeated, TurnId: var earlier })
            {
                PointTo(activity, earlier, feed.TraceOf(earlier));
            }

            if (!isAccepted)
            {
                return Refusal(accepted);
            }

            feed.Accept(cursor);
            if (isV2)
            {
                sink.Send(ServerFrames.TypingFor(turnId, message.Frame.MessageId));
            }

            await DispatchAsync(feed, task, message);
            return new(null, turnId, cursor);
        }
        finally
        {
            if (!isAccepted)
            {
                feed.Forget(cursor);
            }
        }
    }

    /// <summary>A repeated message starts no turn. Its span links to the earlier turn.</summary>
    private static void PointTo(Activity? repeated, Guid earlier, ActivityContext trace)
    {
        repeated?.SetTurn(earlier).SetTag("konstruct.turn.repeated", true);
        if (trace != default)
        {
            repeated?.AddLink(new(trace));
        }
    }

    private static StartResult Refusal(AcceptResult? accepted) =>
        accepted switch
        {
            null => new(WireError.Unavailable, default, null),
            { Acceptance: Acceptance.Repeated, TurnId: var earlier } => new(null, earlier, null),
            { Acceptance: Acceptance.TooManyTurns } => new(WireError.TooManyTurns, default, null),
            _ => new(WireError.ConversationNotFound, default, null),
        };

    /// <summary>Null: Postgres is down or too slow. If it did commit, the sweep finds the turn, and a repeated message returns it.</summary>
    private async Task<AcceptResult?> AcceptAsync(IncomingMessage message, KonstructMessage task, CancellationToken limit)
    {
        var now = time.GetUtcNow();
        var turn = new NewTurn(
            message.Key,
            message.Sender.UserId,
            task.TurnId,
            Guid.CreateVersion7(now),
            Guid.CreateVersion7(now),
            task.AgentId,
            task.Content.Text,
            message.Frame.MessageId,
            task.ToJson()
        );
        using var span = GatewayTelemetry.Source.StartActivity("turn.persist");
        try
        {
            return await store.AcceptAsync(turn, _options.CreateMissingConversations, dispatcher.MaxTurnsPerConversation, limit);
        }
        catch (Exception exception) when (exception.IsOutage() || exception is OperationCanceledException)
        {
            span?.SetStatus(ActivityStatusCode.Error);
            Log.NotStored(logger, message.ConversationId, exception.Message);
            return null;
        }
    }

    private async Task DispatchAsync(ConversationFeed feed, KonstructMessage task, IncomingMessage message)
    {
        var messageId = message.Frame.MessageId;
        var trace = TraceParent.Parse(task.Traceparent);
        using var span = GatewayTelemetry.StartDispatch(trace, task.TurnId, task.Attempt);
        try
        {
            var channel = feeds.ChannelOf(feed.Key);
            var isQueued = await dispatcher.DispatchAsync(
                span?.Id is { } parent ? task with { Traceparent = parent } : task,
                (channel, StreamEvent.Accepted(task.TurnId, messageId, task.Traceparent)),
                messageId is null ? (RedisKey?)null : RedisKeys.CancelledMessage(task.TenantId, message.Sender.UserId, task.ConversationId, messageId)
            );
            if (!isQueued)
            {
                await log.CancelAsync(new(task.ConversationId, task.TurnId, task.Attempt, channel));
            }
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            span?.SetStatus(ActivityStatusCode.Error);
            Log.NotDispatched(logger, task.TurnId, exception.Message);
        }
    }

    private KonstructMessage TaskFor(IncomingMessage message, Guid turnId, Activity? activity)
    {
        var (sender, conversation, frame) = (message.Sender, message.ConversationId, message.Frame);
        var user = sender.UserId.ToString("D");
        return new()
        {
            Id = Guid.CreateVersion7(),
            TenantId = sender.TenantId,
            ChannelMetadata = new(user, sender.TenantId, conversation),
            Sender = new(user, frame.DisplayName ?? "Portal User"),
            Content = new(frame.Text!),
            Timestamp = time.GetUtcNow(),
            ThreadId = conversation,
            ConversationId = conversation,
            PortalUserId = user,
            AgentId = frame.AgentId ?? "",
            TurnId = turnId,
            Attempt = 1,
            Traceparent = activity?.Id,
        };
    }

    private static partial class Log
    {
        [LoggerMessage(320, LogLevel.Warning, "A message to {ConversationId} was refused, Redis cannot be reached: {Reason}")]
        public static partial void NotListening(ILogger logger, Guid conversationId, string reason);

        [LoggerMessage(321, LogLevel.Warning, "A message to {ConversationId} was refused, Postgres cannot be reached: {Reason}")]
        public static partial void NotStored(ILogger logger, Guid conversationId, string reason);

        [LoggerMessage(323, LogLevel.Warning, "A message to {ConversationId} was not accepted while it waited for the running turn: {Reason}")]
        public static partial void NotEntered(ILogger logger, Guid conversationId, string reason);

        [LoggerMessage(322, LogLevel.Warning, "Turn {TurnId} is stored but could not be dispatched; the sweep will: {Reason}")]
        public static partial void NotDispatched(ILogger logger, Guid turnId, string reason);
    }
}

/// <summary>A parsed message.</summary>
/// <param name="Sender">The sender.</param>
/// <param name="ConversationId">The conversation.</param>
/// <param name="ConversationIdAsSpelled">The conversation id as the client writes it.</param>
/// <param name="Frame">The frame; its text is not empty.</param>
internal sealed record IncomingMessage(Identity Sender, Guid ConversationId, string ConversationIdAsSpelled, ClientFrame Frame)
{
    public ConversationKey Key => new(Sender.TenantId, ConversationId);
}
