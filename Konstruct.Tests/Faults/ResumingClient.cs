using System.Net.WebSockets;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Faults;

/// <summary>
/// A client of version 2 as docs/reference/protocol.md tells one to be: it comes back when it is cut off, to whichever gateway takes it, sends again what was not
/// acknowledged, resumes what has not ended, and drops what it has by <c>seq &lt;= last</c>. What it sees beyond that is counted, not forgiven.
/// </summary>
/// <param name="gateway">The gateway to try at the n-th time.</param>
/// <param name="person">Who.</param>
/// <param name="conversation">Where.</param>
/// <param name="first">The n of the first try.</param>
internal sealed class ResumingClient(Func<int, IServer> gateway, Person person, Guid conversation, int first) : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly Dictionary<string, Told> _told = [];
    private readonly Dictionary<Guid, HeardTurn> _turns = [];
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource _joined = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _living = Task.CompletedTask;
    private RawChat? _chat;
    private int _leaveAfter;

    public Person Person => person;

    public Guid Conversation => conversation;

    /// <summary>Leaves without a word after every this many chunks; 0: stays.</summary>
    public int LeavesAfterEvery { get; init; }

    /// <summary>Completes with the first <c>ready</c>.</summary>
    public Task Joined => _joined.Task;

    /// <summary>How often it had to come back.</summary>
    public int Returns { get; private set; }

    /// <summary>With what each of its sockets was closed; null: cut off.</summary>
    public List<int?> CloseCodes { get; } = [];

    /// <summary>Ends when it has left; fails with a frame that no client should get.</summary>
    public Task Living => _living;

    /// <summary>Everything that was heard, by turn.</summary>
    public IReadOnlyList<HeardTurn> Turns
    {
        get
        {
            lock (_gate)
            {
                return [.. _turns.Values];
            }
        }
    }

    public void Start() => _living = LiveAsync();

    /// <summary>Says something; it will be sent until it is acknowledged.</summary>
    /// <param name="text">What.</param>
    /// <param name="messageId">Its id.</param>
    /// <param name="isShared">
    /// Another tab sends the same message: to the gateway one of both repeats it, and gets a replay also if it heard the turn already.
    /// </param>
    public async Task SayAsync(string text, string messageId, bool isShared = false)
    {
        lock (_gate)
        {
            _told[messageId] = new(text, null, Sent: isShared ? 1 : 0);
        }

        if (_chat is { } chat && IsNewTo(chat, messageId))
        {
            await SendWhileOpenAsync(chat, Message(text, messageId));
        }
    }

    /// <summary>Sends something again that was sent before: asks for its answer once more, though it may be here already.</summary>
    public Task RepeatAsync(string messageId)
    {
        string frame;
        lock (_gate)
        {
            var told = _told[messageId];
            if (told.TurnId is { } turn)
            {
                _turns[turn].AskAgain("message");
            }

            _told[messageId] = told with { Sent = told.Sent + 1 };
            frame = Message(told.Text, messageId);
        }

        return SendAsync(frame);
    }

    /// <summary>Leaves without a word, and comes back.</summary>
    public void Drop() => _chat?.Abort();

    /// <summary>Stops a message's answer. Sent once: a cancel that is lost is the user's to repeat.</summary>
    public Task CancelAsync(string messageId) => SendAsync($$"""{"type":"cancel","messageId":"{{messageId}}"}""");

    /// <summary>What was heard of a message's turn; null before its <c>typing</c>.</summary>
    public HeardTurn? Of(string messageId)
    {
        lock (_gate)
        {
            return _told.GetValueOrDefault(messageId)?.TurnId is { } turn ? _turns.GetValueOrDefault(turn) : null;
        }
    }

    /// <summary>Leaves for good. It can leave once more.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_end.IsCancellationRequested)
        {
            return;
        }

        await _end.CancelAsync();
        await _living;
        _end.Dispose();
        _sending.Dispose();
    }

    private async Task LiveAsync()
    {
        for (var visit = 0; !_end.IsCancellationRequested; visit++)
        {
            try
            {
                if (visit > 0)
                {
                    Returns++;
                    await Task.Delay(Pause, _end.Token);
                }

                await using var chat = await RawChat.ConnectAsync(gateway(first + visit), $"{conversation}", RawChatV2.Subprotocol);
                await using var leaving = _end.Token.Register(chat.Abort);
                await chat.SendAsync(person.Auth);
                await ListenAsync(chat);
                CloseCodes.Add(chat.CloseCode);
            }
            catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
            {
                // Cut off: come back.
            }
            finally
            {
                _chat = null;
            }
        }
    }

    private async Task ListenAsync(RawChat chat)
    {
        while (await chat.ReceiveAsync(Timeout.InfiniteTimeSpan) is { } bytes)
        {
            var frame = FrameV2.Parse(bytes);
            if (frame.Type == "ready")
            {
                _chat = chat; // First: what is said while it catches up goes out as well.
                await CatchUpAsync(chat);
                _joined.TrySetResult();
            }
            else if (frame.Type == "error")
            {
                await TryAgainAsync(chat, frame);
            }
            else
            {
                Hear(frame);
                if (LeavesAfterEvery > 0 && frame.Type == "chunk" && ++_leaveAfter % LeavesAfterEvery == 0)
                {
                    chat.Abort();
                }
            }
        }
    }

    private async Task CatchUpAsync(RawChat chat)
    {
        List<string> frames;
        lock (_gate)
        {
            frames =
            [
                .. _turns.Values.Where(turn => turn.Done is null).Select(Resume),
                .. _told
                    .Where(told => told.Value.TurnId is null)
                    .ToArray()
                    .Where(told => IsNewTo(chat, told.Key))
                    .Select(told => Message(told.Value.Text, told.Key)),
            ];
        }

        foreach (var frame in frames)
        {
            await SendAsync(chat, frame);
        }
    }

    /// <summary>
    /// Whether a message has not gone out on this socket yet; from now on it has. Something that is said just when the client comes back would otherwise be sent by
    /// both, and sending again on the same socket is asking for the answer again.
    /// </summary>
    private bool IsNewTo(RawChat chat, string messageId)
    {
        lock (_gate)
        {
            var told = _told[messageId];
            if (told.SentOn == chat)
            {
                return false;
            }

            if (told.TurnId is { } turn)
            {
                _turns[turn].AskAgain("message"); // Another tab's message was announced just before this one goes out.
            }

            _told[messageId] = told with { SentOn = chat, Sent = told.Sent + 1 };
            return true;
        }
    }

    private async Task TryAgainAsync(RawChat chat, FrameV2 error)
    {
        if (!error.Json.GetProperty("retryable").GetBoolean())
        {
            throw new UnexpectedFrameException(error.Bytes);
        }

        await Task.Delay(Pause, _end.Token);
        string? again = null;
        lock (_gate)
        {
            if (error.MessageId is { } id && _told.TryGetValue(id, out var told) && told.TurnId is null)
            {
                _told[id] = told with { Sent = told.Sent + 1 };
                again = Message(told.Text, id);
            }
            else if (error.TurnId is { } turn && _turns.TryGetValue(turn, out var heard) && heard.Done is null)
            {
                again = Resume(heard);
            }
        }

        if (again is not null)
        {
            await SendAsync(chat, again);
        }
    }

    private void Hear(FrameV2 frame)
    {
        lock (_gate)
        {
            var id = frame.TurnId ?? throw new UnexpectedFrameException(frame.Bytes);
            if (!_turns.TryGetValue(id, out var turn))
            {
                _turns[id] = turn = new(id);
            }

            if (frame is { Type: "typing", MessageId: { } message } && _told.TryGetValue(message, out var told))
            {
                if (told.TurnId is { } before && before != id)
                {
                    turn.Duplicated.Add($"message {message} became the turns {before} and {id}");
                }

                if (told.TurnId is null)
                {
                    turn.AllowedEnds += Math.Max(told.Sent - 1, 0);
                    turn.Story.Add($"→ message, {told.Sent} times");
                }

                _told[message] = told with { TurnId = id };
            }

            turn.Hear(frame);
        }
    }

    /// <summary>While it is away nothing is sent: what matters is sent when it is back.</summary>
    private Task SendAsync(string frame) => _chat is { } chat ? SendWhileOpenAsync(chat, frame) : Task.CompletedTask;

    private async Task SendWhileOpenAsync(RawChat chat, string frame)
    {
        try
        {
            await SendAsync(chat, frame);
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Cut off just now.
        }
    }

    /// <summary>A socket takes one frame at a time.</summary>
    private async Task SendAsync(RawChat chat, string frame)
    {
        await _sending.WaitAsync();
        try
        {
            await chat.SendAsync(frame);
        }
        finally
        {
            _sending.Release();
        }
    }

    private static string Resume(HeardTurn turn)
    {
        turn.AskAgain("resume");
        return $$"""{"type":"resume","turnId":"{{turn.TurnId}}","attempt":{{turn.Attempt}},"after":{{turn.Seq}}}""";
    }

    private static string Message(string text, string messageId) =>
        $$"""{"type":"message","text":{{PythonJson.Compact(text)}},"agentId":"{{Harness.Person.Agent}}","messageId":"{{messageId}}"}""";

    /// <summary>Something that was said.</summary>
    /// <param name="Text">What.</param>
    /// <param name="TurnId">Its turn; null until <c>typing</c> names it.</param>
    /// <param name="SentOn">The socket that it went out on last.</param>
    /// <param name="Sent">How often it went out: each time after the first asks for the turn's replay, though it may have been followed to its end by then.</param>
    private sealed record Told(string Text, Guid? TurnId, RawChat? SentOn = null, int Sent = 0);
}
