using Konstruct.Contracts.Wire;

namespace Konstruct.Gateway.Sockets;

/// <summary>How a socket begins: who it is, and, in v2, which conversation it opens.</summary>
internal sealed partial class ChatSocket
{
    private async Task<bool> AuthenticateAsync(CancellationToken cut)
    {
        var reading = _reader.ReadAsync(cut);
        try
        {
            await reading.WaitAsync(_services.Options.AuthDeadline, _services.Time, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            Refuse(WireError.AuthFirst);
        }

        var outcome = await reading; // After a refusal: the client's close frame, or the cut that follows it.
        if (outcome == ReadOutcome.Closed || CloseCode != 0)
        {
            return false;
        }

        if (outcome == ReadOutcome.TooBig)
        {
            Close(CloseCodes.FrameTooBig, "Frame too big");
            return false;
        }

        var frame = outcome == ReadOutcome.Text ? ClientFrame.Parse(_reader.Frame.Span) : new(ClientFrameKind.Bad);
        var result = await _services.Authenticator.AuthenticateAsync(frame, cut);
        if (result.Identity is not { } sender)
        {
            Refuse(result.Error!);
            return false;
        }

        _sender = sender;
        return true;
    }

    private void Refuse(WireError error)
    {
        SendError(error);
        Close(CloseCodes.AuthenticationFailed, error.Message);
    }

    /// <summary>v2: opens the conversation of the URL. False: it is not this user's, and the socket is closing.</summary>
    private async Task<bool> JoinAsync(CancellationToken cut)
    {
        if (!WireGuid.TryParse(_urlConversationId, out var conversationId))
        {
            SendError(WireError.InvalidConversationId);
            Close(CloseCodes.Forbidden, WireError.InvalidConversationId.Message);
            return false;
        }

        try
        {
            if (await _services.Tabs.OpenAsync(KeyOf(conversationId), _writer, _urlConversationId, _services.Options.CreateMissingConversations, cut) is var (feed, tab))
            {
                Hold(feed, tab);
                return true;
            }
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            Log.NotServed(_services.Logger, exception.Message);
            SendError(WireError.Unavailable);
            Close(CloseCodes.Restarting, WireError.Unavailable.Message);
            return false;
        }
        catch (OperationCanceledException)
        {
            return false; // The client left meanwhile.
        }

        SendError(WireError.ConversationNotFound);
        Close(CloseCodes.Forbidden, WireError.ConversationNotFound.Message);
        return false;
    }
}
