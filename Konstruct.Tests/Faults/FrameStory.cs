using System.Diagnostics;
using System.Globalization;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Faults;

/// <summary>What went to and fro about one turn, short enough to keep for every turn of a long run.</summary>
internal sealed class FrameStory
{
    private const int Most = 100;

    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly List<string> _entries = [];
    private (int Attempt, int From, int To)? _run;

    public void Add(FrameV2 frame)
    {
        if (frame is { Type: "chunk", Seq: { } seq })
        {
            var attempt = frame.Attempt ?? 0;
            if (_run is { } run && run.Attempt == attempt && run.To + 1 == seq)
            {
                _run = run with { To = seq };
                return;
            }

            EndRun();
            _run = (attempt, seq, seq);
            return;
        }

        Add($"{frame.Type} {frame.Attempt} {frame.Reason}{frame.Code}".TrimEnd());
    }

    public void Add(string entry)
    {
        EndRun();
        Append(entry);
    }

    public override string ToString()
    {
        EndRun();
        return string.Join(", ", _entries);
    }

    private void EndRun()
    {
        if (_run is { } run)
        {
            _run = null;
            Append($"chunks {run.Attempt}/{run.From}–{run.To}");
        }
    }

    private void Append(string entry)
    {
        if (_entries.Count < Most)
        {
            _entries.Add(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(_began).TotalSeconds:F2} {entry}"));
        }
    }
}
