using System.Net.WebSockets;
using System.Threading.RateLimiting;
using Konstruct.Gateway.Auth;
using Konstruct.Gateway.Protocol;
using Konstruct.Gateway.Streaming;
using Konstruct.Gateway.Turns;
using Konstruct.ServiceDefaults.Stores;

namespace Konstruct.Gateway.Sockets;

/// <summary>
/// One client's socket, from its auth frame to its end. The reader continues while messages are served in order,
/// so a cancel is handled during an answer, and an early message waits in the queue.
/// </summary>
internal sealed partial class ChatSocket : IAsyncDisposable
{
    /// <summary>
    /// Delay before a connection that sent invalid frames is dropped. An immediate drop resets it, and the client would not get the close code.
    /// </summary>
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(2);

    private readonly string _urlConversationId;
    private readonly bool _isV2;
    private readonly SocketServices _services;
    private readonly FrameWriter _writer;
    private readonly FrameReader _reader;
    private readonly MessageLine _line;
    private readonly CancellationTokenSource _gone = new();
    private Identity _sender = new(default, default, "");
    private RateLimitLease? _place; // Among the sockets of its user.
    private bool _hasBeenRefused;
    private long _expires = DateTimeOffset.MaxValue.UtcTicks;
    private ConversationFeed? _feed;
    private Subscriber? _subscriber;

    public ChatSocket(WebSocket socket, JoiningStream? stream, string urlConversationId, bool isV2, SocketServices services)
    {
        _urlConversationId = urlConversationId;
        _isV2 = isV2;
        _services = services;
        _writer = new(socket, services.Options, services.Metrics, stream, services.Queues);
        services.Queues.Add(_writer);
        _reader = new(socket, services.Options.MaxFrameBytes);
        _line = new(services.Options.MaxWaitingMessages, message => GuardAsync(message, () => AnswerAsync(message)), _gone.Token);
    }

    /// <summary>Close code sent by this side; 0: the client closed.</summary>
    public int CloseCode => _writer.CloseCode ?? 0;

    /// <summary>Expiry of the credentials; <see cref="DateTimeOffset.MaxValue"/>: never.</summary>
    public DateTimeOffset Expires => new(Volatile.Read(ref _expires), TimeSpan.Zero);

    /// <summary>Starts the close handshake.</summary>
    public void Close(int code, string reason) => _writer.Close(code, reason);

    /// <summary>Serves the socket until either side ends it.</summary>
    public async Task RunAsync(CancellationToken aborted)
    {
        if (await AuthenticateAsync(aborted) && (!_isV2 || await JoinAsync(aborted)))
        {
            await ReadFramesAsync(aborted);
        }
        else
        {
            await ReadToEndAsync();
            Close(CloseCodes.Normal, ""); // Answers the client's close frame; no effect if this side has closed.
        }

        if (_reader.IsBroken)
        {
            await Task.Delay(Linger, _services.Time, aborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Refuses the socket because the gateway is full.</summary>
    public async Task TurnAwayAsync()
    {
        Refuse(WireError.TooManySockets, CloseCodes.TooManySockets);
        await ReadToEndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _gone.CancelAsync();
        await _line.WhenIdleAsync();
        Hold(null, null);
        _place?.Dispose();
        await _writer.DisposeAsync();
        _reader.Dispose();
        _gone.Dispose();
    }

    private async Task ReadFramesAsync(CancellationToken aborted)
    {
        while (true)
        {
            var outcome = await _reader.ReadAsync();
            if (CloseCode != 0 && outcome != ReadOutcome.Closed)
            {
                await ReadToEndAsync(); // A closing socket accepts nothing.
                return;
            }

            switch (outcome)
            {
                case ReadOutcome.Closed:
                    Close(CloseCodes.Normal, "");
                    return;
                case ReadOutcome.TooBig:
                    Close(CloseCodes.FrameTooBig, "Frame too big");
                    await ReadToEndAsync();
                    return;
                case ReadOutcome.Binary:
                    SendError(WireError.BadFrame);
                    break;
                case ReadOutcome.Text:
                    await HandleAsync(ClientFrame.Parse(_reader.Frame.Span), aborted);
                    break;
            }
        }
    }

    /// <summary>Reads until the client's close frame, or until the writer aborts the socket.</summary>
    private async Task ReadToEndAsync()
    {
        while (await _reader.ReadAsync() != ReadOutcome.Closed) { }
    }

    private async Task HandleAsync(ClientFrame frame, CancellationToken aborted)
    {
        switch (frame.Kind)
        {
            case ClientFrameKind.Bad:
                SendError(WireError.BadFrame, TurnOf(frame), frame.MessageId);
                break;
            case ClientFrameKind.Ping when _isV2:
                _writer.Send(ServerFrames.Pong); // Without a limit: the send queue bounds what a client can ask for and not read.
                break;
            case ClientFrameKind.Message when string.IsNullOrEmpty(frame.Text):
                SendError(WireError.EmptyText, null, frame.MessageId);
                break;
            case ClientFrameKind.Message when frame.Text.Length > _services.Options.MaxTextLength:
                SendError(WireError.TextTooLong, null, frame.MessageId);
                break;
            case ClientFrameKind.Message when !_line.TryAdd(frame):
                SendError(WireError.TooManyWaiting, null, frame.MessageId);
                break;
            case ClientFrameKind.Auth when _services.Authenticator.Renews && MayAsk(frame):
                await GuardAsync(frame, () => RenewAsync(frame, aborted));
                break;
            case ClientFrameKind.Resume when _isV2 && MayAsk(frame):
                await GuardAsync(frame, () => ResumeAsync(frame, aborted));
                break;
            case ClientFrameKind.Cancel when _isV2 && MayAsk(frame):
                await GuardAsync(frame, () => CancelAsync(frame, aborted));
                break;
        }
    }

    /// <summary>Enforces the user's request rate. False: the limit is exceeded, and the client was told.</summary>
    private bool MayAsk(ClientFrame frame)
    {
        if (_services.Requests.Take(_sender.TenantId, _sender.UserId) is not { } wait)
        {
            return true;
        }

        SendError(WireError.TooManyRequests, TurnOf(frame), frame.MessageId, wait);
        return false;
    }

    /// <summary>Turns an outage of a store into a retryable error frame.</summary>
    private async Task GuardAsync(ClientFrame frame, Func<Task> handle)
    {
        try
        {
            await handle();
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            Log.NotServed(_services.Logger, exception.Message);
            SendError(WireError.Unavailable, TurnOf(frame), frame.MessageId);
        }
        catch (OperationCanceledException)
        {
            // The socket is gone.
        }
#pragma warning disable CA1031 // Socket boundary: a bug closes this socket with 1011; others continue.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.Failed(_services.Logger, exception);
            Close(CloseCodes.InternalError, "Internal error");
        }
    }

    private (IncomingMessage? Message, WireError? Error) Understand(ClientFrame frame)
    {
        var spelled = string.IsNullOrEmpty(frame.ConversationId) ? _urlConversationId : frame.ConversationId;
        if (!WireGuid.TryParse(spelled, out var conversationId))
        {
            return (null, WireError.InvalidConversationId);
        }

        if (_isV2 && WireGuid.TryParse(_urlConversationId, out var own) && own != conversationId)
        {
            return (null, WireError.ConversationMismatch);
        }

        if (_isV2 && frame.MessageId is { Length: 0 or > ClientFrame.MaxMessageIdLength })
        {
            return (null, WireError.InvalidMessageId);
        }

        if (_services.Stopping.IsDraining)
        {
            return (null, WireError.Restarting);
        }

        var known = _isV2 ? frame : frame with { MessageId = null, TraceParent = null };
        return (new(_sender, conversationId, spelled, known), null);
    }

    private void SendError(WireError error, Guid? turnId = null, string? messageId = null, TimeSpan? retryAfter = null)
    {
        _services.Metrics.Rejected(error.Code);
        if (!_hasBeenRefused)
        {
            // Once per socket and at Debug level, so that invalid input cannot fill a disk. The metric counts every refusal.
            _hasBeenRefused = true;
            Log.Refused(_services.Logger, error.Code);
        }

        _writer.Send(_isV2 ? ServerFrames.Error(error, turnId, messageId, retryAfter) : ServerFrames.Error(error));
    }

    private static partial class Log
    {
        [LoggerMessage(200, LogLevel.Warning, "A client was told to try again, a store cannot be reached: {Reason}")]
        public static partial void NotServed(ILogger logger, string reason);

        [LoggerMessage(202, LogLevel.Debug, "A client was refused something: {Code}; what else this socket is refused is counted alone")]
        public static partial void Refused(ILogger logger, string code);

        [LoggerMessage(201, LogLevel.Error, "A frame could not be served; the socket is closed with 1011")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
