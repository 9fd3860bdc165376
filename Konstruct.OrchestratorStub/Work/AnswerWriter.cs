using System.Diagnostics;
using System.Text;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;

namespace Konstruct.OrchestratorStub.Work;

/// <summary>
/// Writes an answer to its log, in order. One append is under way at a time: the first token goes at once and alone, and what comes while it travels
/// goes together with the next call, so that tokens that come faster than a round trip cost fewer of them. It keeps the count that makes a repeated
/// append harmless.
/// </summary>
internal sealed class AnswerWriter(TurnLog log, AttemptKey key, RunningTurn turn, int maxAnswerBytes, Patience patience, TimeProvider time, Activity? span)
{
    private const int MostInOneCall = 512;

    /// <summary>A model that is faster than Redis waits here: otherwise the tokens would pile up in memory.</summary>
    private const int MostPending = 4096;

    private readonly Lock _gate = new();
    private readonly List<byte[]> _pending = [];
    private readonly StringBuilder _text = new();
    private Task _writing = Task.CompletedTask;
    private bool _isWriting;
    private int _written;
    private int _appends;
    private TimeSpan _appending;
    private TimeSpan _longestAppend;
    private int _given;
    private string _half = ""; // Of a surrogate pair, whose other half is in the next token.

    /// <summary>All that was given to it.</summary>
    public string Text => _text.ToString();

    /// <summary>How many chunks that were.</summary>
    public int Count => _given;

    /// <summary>What stopped the writing; <see cref="LogWrite.Written"/> while nothing has.</summary>
    public LogWrite Outcome { get; private set; } = LogWrite.Written;

    /// <summary>Takes the next token, and repairs what neither UTF-8 nor Postgres can hold. Empty ones are nothing.</summary>
    public ValueTask WriteAsync(string token)
    {
        var text = _half + token;
        _half = text is [.., var last] && char.IsHighSurrogate(last) ? text[^1..] : "";
        return AddAsync(text[..^_half.Length].ToStorable());
    }

    private async ValueTask AddAsync(string token)
    {
        if (token.Length == 0)
        {
            return;
        }

        _text.Append(token);
        Task? full = null;
        lock (_gate)
        {
            _pending.Add(StreamEvent.Chunk(token, key.TurnId, key.Attempt, ++_given));
            if (!_isWriting)
            {
                _isWriting = true;
                _writing = WritePendingAsync();
            }

            full = _pending.Count >= MostPending ? _writing : null;
        }

        if (full is not null)
        {
            await full;
        }
    }

    /// <summary>Completes when all that was given is in the log, or the writing was stopped. Nothing is given afterwards.</summary>
    public async Task FlushAsync()
    {
        var half = _half.ToStorable();
        _half = "";
        await AddAsync(half);
        await Writing;
    }

    private Task Writing
    {
        get
        {
            lock (_gate)
            {
                return _writing;
            }
        }
    }

    /// <summary>Writes the sums of its appends to the attempt's span.</summary>
    public void Describe() => span
        ?.SetTag("konstruct.append.calls", _appends)
        .SetTag("konstruct.append.seconds", _appending.TotalSeconds)
        .SetTag("konstruct.append.longest", _longestAppend.TotalSeconds);

    private async Task WritePendingAsync()
    {
        while (TryTake(out var batch))
        {
            var first = _written + 1;
            var began = time.GetTimestamp();
            var outcome = await patience.UntilKnownAsync(() => log.AppendAsync(key, first, batch, maxAnswerBytes), turn.Stopped);
            if (outcome != LogWrite.Written)
            {
                Outcome = outcome;
                turn.Stop(outcome is LogWrite.Ended or LogWrite.TooLong ? StopReason.Ended : StopReason.Lost);
                return;
            }

            Sum(time.GetElapsedTime(began));
            _written += batch.Length;
        }
    }

    /// <summary>An append is no span, since there may be one for each token: the attempt's span sums them up.</summary>
    private void Sum(TimeSpan took)
    {
        _appends++;
        _appending += took;
        _longestAppend = took > _longestAppend ? took : _longestAppend;
        if (_appends == 1)
        {
            span?.AddEvent(new("first_append"));
        }
    }

    private bool TryTake(out byte[][] batch)
    {
        lock (_gate)
        {
            batch = [.. _pending.Take(MostInOneCall)];
            _pending.RemoveRange(0, batch.Length);
            _isWriting = batch.Length > 0;
            return _isWriting;
        }
    }
}
