using Konstruct.Gateway.Protocol;
using Konstruct.ServiceDefaults.Stores;

namespace Konstruct.Gateway.Sockets;

/// <summary>Opens a socket: authenticates it and, in v2, joins its conversation.</summary>
internal sealed partial class ChatSocket
{
    private async Task<bool> AuthenticateAsync(CancellationToken aborted)
    {
        var reading = _reader.ReadAsync();
        try
        {
            await reading.WaitAsync(_services.Options.AuthDeadline, _services.Time, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            RefuseCredentials(WireError.AuthFirst);
        }

        var outcome = await reading; // After a refusal this reads the client's close frame or the end of the connection.
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
        var result = await _services.Authenticator.AuthenticateAsync(frame, aborted);
        if (result.Identity is not { } sender)
        {
            RefuseCredentials(result.Error!);
            return false;
        }

        _place = _services.Open.Enter(sender);
        if (!_place.IsAcquired)
        {
            Refuse(WireError.TooManySockets, CloseCodes.TooManySockets);
            return false;
        }

        _sender = sender;
        Expire(result.Expires);
        return true;
    }

    /// <summary>Accepts a fresh token on an open socket. A token of another user closes the socket.</summary>
    private async Task RenewAsync(ClientFrame frame, CancellationToken aborted)
    {
        var result = await _services.Authenticator.AuthenticateAsync(frame, aborted);
        if (result.Identity is not { } sender)
        {
            RefuseCredentials(result.Error!);
        }
        else if (sender.UserId != _sender.UserId || sender.TenantId != _sender.TenantId)
        {
            RefuseCredentials(WireError.AuthContradiction);
        }
        else
        {
            Expire(result.Expires);
        }
    }

    private void Expire(DateTimeOffset? expires) => Volatile.Write(ref _expires, (expires ?? DateTimeOffset.MaxValue).UtcTicks);

    /// <summary>When credentials could not be checked, the close code tells the client to retry with the same ones.</summary>
    private void RefuseCredentials(WireError error) =>
        Refuse(error, error == WireError.Unavailable ? CloseCodes.Restarting : CloseCodes.AuthenticationFailed);

    private void Refuse(WireError error, int code)
    {
        SendError(error);
        Close(code, error.Message);
    }

    /// <summary>v2: opens the conversation of the URL. False: it does not belong to this user, and the socket is closing.</summary>
    private async Task<bool> JoinAsync(CancellationToken aborted)
    {
        if (!WireGuid.TryParse(_urlConversationId, out var conversationId))
        {
            Refuse(WireError.InvalidConversationId, CloseCodes.Forbidden);
            return false;
        }

        try
        {
            if (
                await _services.Tabs.OpenAsync(
                    KeyOf(conversationId),
                    _sender.UserId,
                    _writer,
                    _urlConversationId,
                    _services.Options.CreateMissingConversations,
                    aborted
                )
                is var (feed, subscriber)
            )
            {
                Hold(feed, subscriber);
                return true;
            }
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            Log.NotServed(_services.Logger, exception.Message);
            Refuse(WireError.Unavailable, CloseCodes.Restarting);
            return false;
        }
        catch (OperationCanceledException)
        {
            return false; // The client disconnected.
        }
#pragma warning disable CA1031 // Socket boundary, as in GuardAsync.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.Failed(_services.Logger, exception);
            Close(CloseCodes.InternalError, "Internal error");
            return false;
        }

        Refuse(WireError.ConversationNotFound, CloseCodes.Forbidden);
        return false;
    }
}
