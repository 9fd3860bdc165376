using System.Net.WebSockets;
using Konstruct.Load.Measure;

namespace Konstruct.Load.Client;

/// <summary>
/// One user with one conversation: sends its messages when they are due, checks the answers, and reconnects and resumes when its socket breaks.
/// Times count from when a message was due, not from when it was sent. So a server or generator that stalls is charged for the waiting time.
/// </summary>
internal sealed class Conversation(int index, LoadOptions options, Tally tally)
{
    private const int Buffer = 8 * 1024;

    /// <summary>Maximum number of reconnects during one answer.</summary>
    private const int MostReturns = 100;

    private readonly Person _person = Person.New();
    private readonly AnswerCheck _check = new(options.Dialect.HasSeq());
    private readonly bool _isSlow = index < options.Slow;
    private ChatConnection? _connection;
    private long _due;
    private bool _isBusy;
    private bool _hasTyping;
    private bool _hasChunk;

    /// <summary>Whether chunks of an answer are arriving.</summary>
    public bool IsStreaming => _isBusy && _hasChunk;

    public async Task ConnectAsync(CancellationToken cancel)
    {
        _connection = await OpenAsync(cancel);
        tally.Opened();
    }

    /// <summary>Sends all its messages in order.</summary>
    /// <param name="first">When the first is due, in microseconds of <see cref="Clock"/>.</param>
    /// <param name="cancel">Cancels the whole run.</param>
    public async Task TalkAsync(long first, CancellationToken cancel)
    {
        var due = first;
        for (var i = 0; i < options.Messages && !tally.IsOver; i++)
        {
            await Clock.UntilAsync(due, cancel);
            if (!await AskAsync(i, due, cancel))
            {
                return;
            }

            due = Clock.Now + (long)options.Think.TotalMicroseconds;
        }
    }

    /// <summary>Breaks the socket if an answer is streaming.</summary>
    public void Break()
    {
        if (IsStreaming)
        {
            _connection?.Abort();
        }
    }

    public async Task CloseAsync(CancellationToken cancel)
    {
        if (_connection is { } connection)
        {
            await connection.CloseAsync(cancel);
            connection.Dispose();
        }
    }

    private async Task<bool> AskAsync(int message, long due, CancellationToken cancel)
    {
        _check.Begin();
        (_due, _hasTyping, _hasChunk, _isBusy) = (due, false, false, true);
        var frame = options.Dialect.Message(_person, $"{options.Text} {index}-{message}", message);
        tally.Asked();
        var returns = 0;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        try
        {
            patience.CancelAfter(options.Patience);
            using var givingUp = patience.Token.Register(() => _connection?.Abort());
            await _connection!.SendAsync(frame, patience.Token);
            while (true)
            {
                if (await ReadAnswerAsync(patience))
                {
                    return true;
                }

                if (options.Dialect != Dialect.V2 || ++returns > MostReturns)
                {
                    tally.Cut();
                    return false;
                }

                await ReturnAsync(frame, patience.Token);
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            tally.Hung();
            return false;
        }
        catch (WebSocketException)
        {
            tally.Cut();
            return false;
        }
        finally
        {
            _isBusy = false;
        }
    }

    /// <summary>False: the socket broke before the end.</summary>
    private async Task<bool> ReadAnswerAsync(CancellationTokenSource patience)
    {
        var extended = Clock.Now;
        while (await _connection!.ReadAsync())
        {
            var now = Clock.Now;
            if (now - extended > 1_000_000)
            {
                patience.CancelAfter(options.Patience);
                extended = now;
            }

            if (OnFrame(now))
            {
                return true;
            }

            if (_isSlow)
            {
                await Task.Delay(options.SlowDelay, patience.Token);
            }
        }

        patience.Token.ThrowIfCancellationRequested(); // The time-out expired here; nothing closed the socket.
        tally.Closed(_connection.CloseCode);
        return false;
    }

    private async Task ReturnAsync(byte[] message, CancellationToken cancel)
    {
        _connection!.Dispose();
        _connection = null; // A storm breaks nothing until it reads again.
        var connection = await OpenAsync(cancel);
        // Without the turn's id the message is sent again; its own id makes it the same turn.
        await connection.SendAsync(_check.TurnId == Guid.Empty ? message : Dialects.Resume(_check.TurnId, _check.Attempt, _check.LastSeq), cancel);
        _connection = connection;
        tally.Returned();
        _check.OnReturn();
    }

    private Task<ChatConnection> OpenAsync(CancellationToken cancel) =>
        ChatConnection.OpenAsync(options.Urls[index % options.Urls.Count], options.Dialect, _person, options.JwtKey, Buffer, cancel);

    /// <summary>True: the answer has ended. A SignalR frame may hold several records.</summary>
    private bool OnFrame(long now)
    {
        if (options.Dialect != Dialect.SignalR)
        {
            return OnFrame(ServerFrame.Parse(_connection!.Frame), now, _connection.WireBytes);
        }

        var ended = false;
        var wire = _connection!.WireBytes;
        foreach (var range in _connection.Frame.Split(Dialects.RecordSeparator))
        {
            var record = _connection.Frame[range];
            if (!record.IsEmpty && !Dialects.IsHandshakeAnswer(record))
            {
                ended |= OnFrame(ServerFrame.Parse(Dialects.ArgumentOf(record)), now, wire);
                wire = 0;
            }
        }

        return ended;
    }

    private bool OnFrame(in ServerFrame frame, long now, int wireBytes)
    {
        switch (frame.Kind)
        {
            case FrameKind.Chunk when _check.OnChunk(frame):
                OnChunk(frame, now, wireBytes);
                return false;
            case FrameKind.Typing when !_hasTyping:
                _hasTyping = true;
                _check.OnTyping(frame.TurnId);
                tally.Typing(now - _due);
                return false;
            case FrameKind.Reset:
                _check.OnReset(frame.Attempt);
                tally.Reset();
                return false;
            case FrameKind.Done:
                tally.Done(_check.OnDone(frame), now - _due);
                return true;
            case FrameKind.Error:
                tally.Error(frame.Detail ?? "");
                return true;
            case FrameKind.Other:
                tally.Unknown();
                return false;
            default:
                return false;
        }
    }

    private void OnChunk(in ServerFrame chunk, long now, int wireBytes)
    {
        if (!_hasChunk)
        {
            _hasChunk = true;
            tally.FirstChunk(now - _due);
        }

        // A gateway may merge v1 chunks for a slow client. Each stamp is one chunk, and the frame is counted with the first.
        var text = chunk.Text;
        var isStamped = Stamps.TryNext(ref text, out var sent);
        tally.Chunk(wireBytes, chunk.Text.Length, isStamped ? now - sent : -1);
        while (Stamps.TryNext(ref text, out sent))
        {
            tally.Chunk(0, 0, now - sent);
        }
    }
}
