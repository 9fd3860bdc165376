using System.Diagnostics;
using System.Text;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;

namespace Konstruct.OrchestratorStub.Work;

/// <summary>
/// Writes an answer to its log in order, with one append in flight. The first token is sent alone at once. Tokens that arrive during a call
/// share the next one, so tokens that are faster than a round trip need fewer calls. Its count of chunks makes a repeated append harmless.
/// </summary>
internal sealed class AnswerWriter(TurnLog log, AttemptKey key, RunningTurn turn, int maxAnswerBytes, Retry retry, TimeProvider time, Activity? span)
{
    private const int MostInOneCall = 512;

    /// <summary>A model that is faster than Redis waits here; otherwise tokens would fill the memory.</summary>
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
    private string _half = ""; // First half of a surrogate pair that a token split.

    /// <summary>The text so far.</summary>
    public string Text => _text.ToString();

    /// <summary>Number of chunks so far.</summary>
    public int Count => _given;

    /// <summary>What stopped the writing; <see cref="LogWrite.Written"/>: nothing.</summary>
    public LogWrite Outcome { get; private set; } = LogWrite.Written;

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

    /// <summary>Adds a token. Replaces what UTF-8 or Postgres cannot store. An empty token is ignored.</summary>
    public ValueTask WriteAsync(string token)
    {
        var text = _half + token;
        _half = text is [.., var last] && char.IsHighSurrogate(last) ? text[^1..] : "";
        return AddAsync(text[..^_half.Length].ToStorable());
    }

    /// <summary>Completes when every chunk is in the log or the writing has stopped. No token may be added afterwards.</summary>
    public async Task FlushAsync()
    {
        var half = _half.ToStorable();
        _half = "";
        await AddAsync(half);
        await Writing;
    }

    /// <summary>Adds the totals of the appends to the attempt's span.</summary>
    public void Describe() =>
        span
            ?.SetTag("konstruct.append.calls", _appends)
            .SetTag("konstruct.append.seconds", _appending.TotalSeconds)
            .SetTag("konstruct.append.longest", _longestAppend.TotalSeconds);

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

    private async Task WritePendingAsync()
    {
        while (TryTake(out var batch))
        {
            var first = _written + 1;
            var began = time.GetTimestamp();
            var outcome = await retry.UntilKnownAsync(() => log.AppendAsync(key, turn.ClaimId, first, batch, maxAnswerBytes), turn.Stopped);
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

    /// <summary>An append has no span, because there may be one per token. The attempt's span has the totals.</summary>
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
