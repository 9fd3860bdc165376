using System.Diagnostics;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Streaming;

namespace Konstruct.Gateway.Turns.Celery;

/// <summary>
/// A legacy turn that this gateway listens to, and what was heard of it and is not in its log yet. Every listener keeps it; the one with the lease
/// writes it. The log's entries come back on the channel, so the others know what is written and can go on exactly there.
/// </summary>
/// <param name="key">The conversation.</param>
/// <param name="turnId">The turn.</param>
/// <param name="feed">The feed that is held open for it.</param>
/// <param name="next">The seq of the next chunk; 0: to be read from the log.</param>
/// <param name="maxBytes">Maximum bytes to keep: more than an answer may have.</param>
/// <param name="beganAt">Time at which this gateway began to listen.</param>
internal sealed class ListenedTurn(ConversationKey key, Guid turnId, ConversationFeed feed, int next, int maxBytes, long beganAt)
{
    private readonly Lock _gate = new();
    private readonly List<ReadOnlyMemory<byte>> _heard = [];
    private readonly Queue<ReadOnlyMemory<byte>> _unheard = []; // Texts of the log that were not heard yet.
    private readonly List<StreamEvent> _after = []; // Written while this gateway believed to have the lease, after what it has written itself.
    private StreamEvent? _done;
    private (int Attempt, int Seq)? _joined; // The end of the log when this gateway first saw it.
    private (int Attempt, int Seq) _written; // The last entry that this gateway knows to be written.
    private long _bytes;
    private bool _isAlive; // Something was heard since the last call of TakeSign.
    private bool _isWorking;
    private bool _isWanted; // More was heard while working.

    public ConversationKey Key => key;

    public Guid TurnId => turnId;

    public ConversationFeed Feed => feed;

    public long BeganAt => beganAt;

    /// <summary>The turn's trace; default: unknown here.</summary>
    public ActivityContext Trace { get; init; }

    /// <summary>The attempt whose log is written. Used by the worker only.</summary>
    public int Attempt { get; set; } = 1;

    /// <summary>The seq of the next chunk; 0: to be read from the log. Used by the worker only.</summary>
    public int Next { get; set; } = next;

    /// <summary>Whether this gateway had the lease at the last call. Used by the worker only.</summary>
    public bool HasLease { get; set; }

    /// <summary>Time since which this gateway has the end and another one the lease. Used by the worker only.</summary>
    public long? WaitsSince { get; set; }

    /// <summary>The message, until it is known to be on the Celery queue; null: it is.</summary>
    public UnsentTask? Unsent { get; set; }

    /// <summary>The turn has ended, and its orchestrator has not published <c>done</c> yet.</summary>
    public bool IsLate { get; private set; }

    /// <summary>The orchestrator's end; null: none yet.</summary>
    public StreamEvent? Done
    {
        get
        {
            lock (_gate)
            {
                return _done;
            }
        }
    }

    /// <summary>Whether this gateway has seen where the log ends, so that it knows what it must not write again.</summary>
    public bool HasSeenLog
    {
        get
        {
            lock (_gate)
            {
                return _joined is not null;
            }
        }
    }

    /// <summary>Whether a chunk is not in the log yet.</summary>
    public bool HasWaiting
    {
        get
        {
            lock (_gate)
            {
                return _heard.Count > 0;
            }
        }
    }

    /// <summary>Keeps a chunk or the end. What follows the end is ignored.</summary>
    public void Hear(in StreamEvent payload)
    {
        lock (_gate)
        {
            _isAlive = true;
            if (_done is not null)
            {
                return;
            }

            if (payload.Kind == StreamEventKind.Done)
            {
                _done = payload;
            }
            else if (
                payload.EscapedText is { IsEmpty: false } text
                && !IsLate
                && _bytes < maxBytes
                && JsonText.Normalise(text) is var chunk
                && !IsInLog(chunk)
            )
            {
                _heard.Add(chunk);
                _bytes += chunk.Length;
            }
        }
    }

    /// <summary>Notes that another gateway has written a chunk to the log.</summary>
    public void OnWritten(in StreamEvent chunk)
    {
        lock (_gate)
        {
            if (!HasLease)
            {
                if (!DropWritten(in chunk) && (_joined is not { } joined || chunk.Seq > SeqIn(joined)))
                {
                    Await(in chunk); // Garnet can deliver what a script publishes before what a client has published earlier.
                }
            }
            else if (chunk.Seq >= Next)
            {
                _after.Add(chunk);
            }
        }
    }

    /// <summary>Called when another gateway has the lease. What it has written since this one lost the lease is not waiting any more.</summary>
    /// <param name="lastSeq">The last seq in the log.</param>
    public void OnBeside(int lastSeq)
    {
        lock (_gate)
        {
            _joined ??= (Attempt, lastSeq);
            if (HasLease)
            {
                foreach (var chunk in _after)
                {
                    DropWritten(in chunk);
                }
            }

            (HasLease, Next) = (false, 0);
        }
    }

    /// <summary>The seq up to which the log needs no comparison with what was heard.</summary>
    /// <param name="lastSeq">The last seq in the log.</param>
    public int ComparedTo(int lastSeq)
    {
        lock (_gate)
        {
            return _joined is { } joined ? Math.Max(SeqIn(joined), SeqIn(_written)) : lastSeq;
        }
    }

    /// <summary>Called when this gateway has taken the lease.</summary>
    /// <param name="written">What the log has after <see cref="ComparedTo"/>: the channel may deliver it only now.</param>
    /// <param name="lastSeq">The last seq in the log.</param>
    public void OnTaken(IReadOnlyList<StreamEvent> written, int lastSeq)
    {
        lock (_gate)
        {
            foreach (var chunk in written)
            {
                if (!DropWritten(in chunk))
                {
                    Await(in chunk);
                }
            }

            _joined ??= (Attempt, lastSeq);
            (HasLease, Next) = (true, lastSeq + 1);
        }
    }

    /// <summary>Returns the oldest chunks that are not in the log.</summary>
    public List<ReadOnlyMemory<byte>> Waiting(int most)
    {
        lock (_gate)
        {
            return _heard.GetRange(0, Math.Min(most, _heard.Count));
        }
    }

    /// <summary>Called when this gateway has written the oldest chunks.</summary>
    public void OnLogged(int count, int lastSeq)
    {
        lock (_gate)
        {
            Drop(count);
            Next = lastSeq + 1;
            _joined ??= (Attempt, lastSeq);
            _written = (Attempt, lastSeq);
            _after.RemoveAll(chunk => chunk.Seq <= lastSeq);
        }
    }

    /// <summary>Called when the turn has ended: its log takes nothing more.</summary>
    public void OnEnded()
    {
        lock (_gate)
        {
            Drop(_heard.Count);
            IsLate = true;
        }
    }

    /// <summary>Whether the orchestrator has published anything since the last call.</summary>
    public bool TakeSign()
    {
        lock (_gate)
        {
            var wasAlive = _isAlive;
            _isAlive = false;
            return wasAlive;
        }
    }

    /// <summary>True: the caller must work. False: the work in progress takes it along.</summary>
    public bool BeginWork()
    {
        lock (_gate)
        {
            _isWanted = _isWorking;
            return !_isWorking && (_isWorking = true);
        }
    }

    /// <summary>True: the work is done. False: more was heard meanwhile.</summary>
    public bool EndWork(bool hasFailed = false)
    {
        lock (_gate)
        {
            _isWorking = _isWanted && !hasFailed;
            _isWanted = false;
            return !_isWorking;
        }
    }

    private int SeqIn((int Attempt, int Seq) entry) => entry.Attempt == Attempt ? entry.Seq : 0;

    /// <summary>Notes that a chunk is in the log which was not heard yet.</summary>
    private void Await(in StreamEvent chunk)
    {
        if (chunk.EscapedText is { } text)
        {
            _unheard.Enqueue(text);
        }
    }

    /// <summary>Whether a chunk that is heard now is in the log: the channel can be behind by more than a lease, where the machine is busy.</summary>
    private bool IsInLog(ReadOnlyMemory<byte> chunk)
    {
        while (_unheard.TryDequeue(out var written))
        {
            if (written.Span.SequenceEqual(chunk.Span))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>False: the chunk was not among those that wait.</summary>
    private bool DropWritten(in StreamEvent chunk)
    {
        if ((chunk.Attempt, chunk.Seq).CompareTo(_written) <= 0)
        {
            return true; // It came twice: on the channel, and from the log.
        }

        _written = (chunk.Attempt, chunk.Seq);
        if (_heard.Count == 0 || chunk.EscapedText is not { } text || !_heard[0].Span.SequenceEqual(text.Span))
        {
            return false;
        }

        Drop(1);
        return true;
    }

    private void Drop(int count)
    {
        for (var i = 0; i < count; i++)
        {
            _bytes -= _heard[i].Length;
        }

        _heard.RemoveRange(0, count);
    }
}

/// <summary>A task that may not be on the Celery queue.</summary>
/// <param name="Message">The message.</param>
/// <param name="IsKnown">Whether it is known that no call has put it there.</param>
/// <param name="Age">Age of the turn when this gateway began to listen.</param>
internal sealed record UnsentTask(byte[] Message, bool IsKnown, TimeSpan Age);
