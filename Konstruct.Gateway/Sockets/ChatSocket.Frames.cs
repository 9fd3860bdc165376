using Konstruct.Gateway.Protocol;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Streaming;
using Konstruct.Gateway.Turns;

namespace Konstruct.Gateway.Sockets;

/// <summary>Serves the frames of a client: message, resume and cancel.</summary>
internal sealed partial class ChatSocket
{
    private async Task AnswerAsync(ClientFrame frame)
    {
        if (CloseCode != 0)
        {
            return; // The socket closed while the message waited: not accepted.
        }

        if (!_isV2)
        {
            _writer.Send(ServerFrames.Typing);
        }

        var (message, error) = Understand(frame);
        if (message is null)
        {
            SendError(error!, null, frame.MessageId);
            return;
        }

        if (await TakeAsync() is { } wait)
        {
            SendError(WireError.TooManyMessages, null, frame.MessageId, wait);
            return;
        }

        var result = await _services.Starter.StartAsync(message, _writer, _isV2, _gone.Token);
        if (result.Error is not null)
        {
            SendError(result.Error, null, frame.MessageId);
            return;
        }

        await StayAsync(message);
        var cursor = result.Cursor;
        if (cursor is null && _feed is not null && _subscriber is not null)
        {
            // A repeated message: acknowledge it, then replay its turn.
            _writer.Send(ServerFrames.TypingFor(result.TurnId, frame.MessageId));
            cursor = await _services.Tabs.ResumeAsync(_feed, _subscriber, result.TurnId, attempt: 0, after: 0, _gone.Token);
        }

        if (cursor is not null)
        {
            await cursor.Ended.WaitAsync(_gone.Token);
        }
    }

    /// <summary>Takes a token from the user's bucket. Null: the message may be sent; otherwise the time to wait.</summary>
    private async Task<TimeSpan?> TakeAsync()
    {
        var edge = _services.Edge;
        return edge.MessagesPerMinute == 0
            ? null
            : await _services
                .Bucket.TakeAsync(_sender.TenantId, _sender.UserId, edge.MessagesPerMinute, edge.MessageBurst)
                .WaitAsync(_services.Options.StoreTimeout, _services.Time, _gone.Token);
    }

    /// <summary>Keeps the subscription between messages. A v2 socket has it from the start.</summary>
    private async Task StayAsync(IncomingMessage message)
    {
        if (_feed?.Key != message.Key)
        {
            Hold(await _services.Feeds.AcquireAsync(message.Key, _gone.Token), null);
        }
    }

    private void Hold(ConversationFeed? feed, Subscriber? subscriber)
    {
        var (previous, previousSubscriber) = (_feed, _subscriber);
        (_feed, _subscriber) = (feed, subscriber);
        if (previous is not null)
        {
            previous.Remove(_writer, previousSubscriber);
            _services.Feeds.Release(previous);
        }
    }

    private async Task ResumeAsync(ClientFrame frame, CancellationToken aborted)
    {
        var turnId = TurnOf(frame);
        var cursor =
            turnId is { } known && _feed is not null && _subscriber is not null && await _services.Tabs.AdmitAsync(_feed, _subscriber, aborted)
                ? await _services.Tabs.ResumeAsync(_feed, _subscriber, known, frame.Attempt ?? 0, frame.After ?? 0, aborted)
                : null;
        if (cursor is null)
        {
            SendError(WireError.TurnNotFound, turnId);
        }
    }

    private async Task CancelAsync(ClientFrame frame, CancellationToken aborted)
    {
        _ = WireGuid.TryParse(_urlConversationId, out var conversationId); // v2 has joined, so the id is valid.
        if (frame.TurnId is not null)
        {
            if (
                TurnOf(frame) is not { } turnId
                || _feed is null
                || _subscriber is null
                || !await _services.Tabs.AdmitAsync(_feed, _subscriber, aborted)
                || !await _services.Canceller.CancelAsync(KeyOf(conversationId), turnId, aborted)
            )
            {
                SendError(WireError.TurnNotFound, TurnOf(frame));
            }
        }
        else if (frame.MessageId is { Length: > 0 and <= ClientFrame.MaxMessageIdLength } messageId)
        {
            await _services.Canceller.CancelAsync(KeyOf(conversationId), _sender.UserId, messageId, aborted);
        }
        else
        {
            SendError(WireError.InvalidMessageId, null, frame.MessageId);
        }
    }

    private ConversationKey KeyOf(Guid conversationId) => new(_sender.TenantId, conversationId);

    private static Guid? TurnOf(ClientFrame frame) => WireGuid.TryParse(frame.TurnId, out var turnId) ? turnId : null;
}
