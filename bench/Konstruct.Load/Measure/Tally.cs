using System.Collections.Concurrent;
using HdrHistogram;
using Konstruct.Load.Client;

namespace Konstruct.Load.Measure;

/// <summary>Counters of all conversations. Thread-safe.</summary>
internal sealed class Tally(int conversations)
{
    private const long MostMicroseconds = 600_000_000;

    private readonly LongConcurrentHistogram _typing = new(1, MostMicroseconds, 3);
    private readonly LongConcurrentHistogram _first = new(1, MostMicroseconds, 3);
    private readonly LongConcurrentHistogram _delay = new(1, MostMicroseconds, 3);
    private readonly LongConcurrentHistogram _answer = new(1, MostMicroseconds, 3);
    private readonly ConcurrentDictionary<string, int> _closes = new();
    private readonly ConcurrentDictionary<string, int> _errors = new();
    private long _opened,
        _asked,
        _done,
        _chunks,
        _wireBytes,
        _textBytes,
        _missing,
        _duplicated,
        _repeated,
        _corrupt,
        _hung,
        _cut,
        _returned,
        _resets,
        _unknown,
        _started;

    /// <summary>True once the run has ended.</summary>
    public bool IsOver { get; set; }

    public long Chunks => Interlocked.Read(ref _chunks);

    public long Sockets => Interlocked.Read(ref _opened);

    public long AnswersBegun => Interlocked.Read(ref _started);

    public long Answers => Interlocked.Read(ref _done);

    /// <summary>Whether every conversation is streaming and none has ended.</summary>
    public bool AllStream => AnswersBegun >= conversations && Interlocked.Read(ref _done) == 0;

    public long Wrong => _missing + _duplicated + _corrupt + _hung + _cut + _errors.Values.Sum();

    public void Opened() => Interlocked.Increment(ref _opened);

    public void Asked() => Interlocked.Increment(ref _asked);

    public void Typing(long after) => Record(_typing, after);

    public void FirstChunk(long after)
    {
        Interlocked.Increment(ref _started);
        Record(_first, after);
    }

    /// <param name="wireBytes">Size of the frame.</param>
    /// <param name="textBytes">Size of its text, still escaped.</param>
    /// <param name="delay">Time since the stamp; negative: no stamp.</param>
    public void Chunk(int wireBytes, int textBytes, long delay)
    {
        Interlocked.Increment(ref _chunks);
        Interlocked.Add(ref _wireBytes, wireBytes);
        Interlocked.Add(ref _textBytes, textBytes);
        if (delay >= 0)
        {
            Record(_delay, delay);
        }
    }

    public void Done(AnswerFault fault, long after)
    {
        Interlocked.Increment(ref _done);
        Interlocked.Add(ref _missing, fault.Missing);
        Interlocked.Add(ref _duplicated, fault.Duplicated);
        Interlocked.Add(ref _repeated, fault.Repeated);
        Interlocked.Add(ref _corrupt, fault.Corrupt ? 1 : 0);
        Record(_answer, after);
    }

    public void Error(string code) => _errors.AddOrUpdate(code, 1, (_, count) => count + 1);

    public void Closed(int? code) => _closes.AddOrUpdate($"{(object?)code ?? "none"}", 1, (_, count) => count + 1);

    public void Hung() => Interlocked.Increment(ref _hung);

    /// <summary>Counts an answer whose socket broke and that could not be resumed.</summary>
    public void Cut() => Interlocked.Increment(ref _cut);

    public void Returned() => Interlocked.Increment(ref _returned);

    public void Reset() => Interlocked.Increment(ref _resets);

    public void Unknown() => Interlocked.Increment(ref _unknown);

    public Quantiles FirstChunks() => Quantiles.Of(_first);

    public Quantiles Delays() => Quantiles.Of(_delay);

    /// <summary>Returns all results, after the run.</summary>
    public Outcome ToOutcome(double seconds) =>
        new()
        {
            Seconds = seconds,
            Sockets = _opened,
            Asked = _asked,
            Done = _done,
            Chunks = _chunks,
            ChunksPerSecond = seconds > 0 ? _chunks / seconds : 0,
            Missing = _missing,
            Duplicated = _duplicated,
            Repeated = _repeated,
            Corrupt = _corrupt,
            Hung = _hung,
            Cut = _cut,
            Returned = _returned,
            Resets = _resets,
            UnknownFrames = _unknown,
            Errors = new(_errors),
            Closes = new(_closes),
            Typing = Quantiles.Of(_typing),
            FirstChunk = Quantiles.Of(_first),
            Delay = Quantiles.Of(_delay),
            Answer = Quantiles.Of(_answer),
            FrameBytes = _chunks > 0 ? (double)_wireBytes / _chunks : 0,
            TextBytes = _chunks > 0 ? (double)_textBytes / _chunks : 0,
        };

    private static void Record(LongConcurrentHistogram histogram, long microseconds) =>
        histogram.RecordValue(Math.Clamp(microseconds, 1, MostMicroseconds));
}
