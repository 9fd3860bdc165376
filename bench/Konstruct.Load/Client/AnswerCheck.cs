using System.Buffers;

namespace Konstruct.Load.Client;

/// <summary>Faults of an answer.</summary>
/// <param name="Missing">Chunks that never arrived.</param>
/// <param name="Duplicated">Chunks that arrived again.</param>
/// <param name="Repeated">Chunks that arrived again after a reconnect, which the client must drop.</param>
/// <param name="Corrupt">Whether the text still differs from that of <c>done</c> after missing and repeated chunks are accounted for.</param>
internal readonly record struct AnswerFault(int Missing, int Duplicated, int Repeated, bool Corrupt);

/// <summary>
/// Checks the chunks of one answer against their seqs, if any, and against the text of <c>done</c>. It has
/// its own implementation of the protocol, independent of the server's code.
/// </summary>
internal sealed class AnswerCheck(bool hasSeq)
{
    private readonly ArrayBufferWriter<byte> _text = new(1024);
    private readonly List<int> _ends = [];
    private int _missing;
    private int _duplicated;
    private int _repeated;
    private bool _hasReturned;

    public Guid TurnId { get; private set; }

    public int Attempt { get; private set; }

    /// <summary>Last seq that counts; without seqs the number of chunks.</summary>
    public int LastSeq { get; private set; }

    public void Begin()
    {
        (TurnId, Attempt, LastSeq, _missing, _duplicated, _repeated, _hasReturned) = (default, 0, 0, 0, 0, 0, false);
        BeginText();
    }

    /// <summary>Called on a new socket: repeated chunks are no longer a fault.</summary>
    public void OnReturn() => _hasReturned = true;

    /// <summary><c>typing</c> of v2 names the turn.</summary>
    public void OnTyping(Guid turnId) => TurnId = turnId;

    /// <summary>The answer starts again.</summary>
    public void OnReset(int attempt)
    {
        Attempt = attempt;
        BeginText();
    }

    /// <summary>False: the chunk has arrived before.</summary>
    public bool OnChunk(in ServerFrame chunk)
    {
        if (hasSeq)
        {
            if (chunk.Attempt > Attempt)
            {
                OnReset(chunk.Attempt);
            }

            TurnId = chunk.TurnId;
            if (chunk.Seq <= LastSeq)
            {
                if (_hasReturned)
                {
                    _repeated++;
                }
                else
                {
                    _duplicated++;
                }

                return false;
            }

            _missing += chunk.Seq - LastSeq - 1;
            LastSeq = chunk.Seq;
        }
        else
        {
            LastSeq++;
        }

        _text.Write(chunk.Text);
        _ends.Add(_text.WrittenCount);
        return true;
    }

    public AnswerFault OnDone(in ServerFrame done)
    {
        var got = _text.WrittenSpan;
        if (done.Text.SequenceEqual(got))
        {
            return new(_missing, _duplicated, _repeated, Corrupt: false);
        }

        var fault = Align(done.Text);
        return hasSeq
            // Seqs cover the gaps between chunks. Only chunks missing behind the last one are found by the text.
            ? new(_missing + (_missing == 0 ? fault.Missing : fault.MissingAtEnd), _duplicated, _repeated, fault.Corrupt)
            : new(fault.Missing, fault.Duplicated, 0, fault.Corrupt);
    }

    private void BeginText()
    {
        LastSeq = 0;
        _text.ResetWrittenCount();
        _ends.Clear();
    }

    /// <summary>
    /// Aligns the full text with the received chunks: skipped text is missing, and a repetition of the previous chunk is duplicated.
    /// </summary>
    private (int Missing, int MissingAtEnd, int Duplicated, bool Corrupt) Align(ReadOnlySpan<byte> whole)
    {
        var (missing, duplicated, corrupt, at, start) = (0, 0, false, 0, 0);
        ReadOnlySpan<byte> previous = default;
        foreach (var end in _ends)
        {
            var chunk = _text.WrittenSpan[start..end];
            start = end;
            if (whole[at..].StartsWith(chunk))
            {
                at += chunk.Length;
            }
            else if (!previous.IsEmpty && chunk.SequenceEqual(previous))
            {
                duplicated++;
            }
            else if (whole[at..].IndexOf(chunk) is var gap and > 0)
            {
                missing += Stamps.ChunksIn(whole.Slice(at, gap));
                at += gap + chunk.Length;
            }
            else
            {
                corrupt = true;
            }

            previous = chunk;
        }

        var atEnd = at < whole.Length ? Stamps.ChunksIn(whole[at..]) : 0;
        return (missing + atEnd, atEnd, duplicated, corrupt);
    }
}
