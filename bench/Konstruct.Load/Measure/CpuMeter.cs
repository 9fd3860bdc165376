namespace Konstruct.Load.Measure;

/// <summary>CPU time of the watched processes, in total and while every conversation is streaming.</summary>
internal sealed class CpuMeter(IReadOnlyList<WatchedProcess> watched, Tally tally)
{
    /// <summary>Minimum time for a result: timers and collections of a shorter one are chance.</summary>
    private static readonly TimeSpan ShortestSteady = TimeSpan.FromSeconds(2);

    private Reading? _begin,
        _steadyBegin,
        _steadyEnd;

    public void Begin() => _begin = Read();

    /// <summary>Call it often.</summary>
    public void Look()
    {
        if (tally.AllStream)
        {
            var now = Read();
            _steadyBegin ??= now;
            _steadyEnd = now;
        }
    }

    public IReadOnlyList<CpuUse> End()
    {
        var (begin, end) = (_begin!, Read());
        var hasSteady = _steadyBegin is not null && _steadyEnd!.At - _steadyBegin.At >= ShortestSteady.TotalMicroseconds;
        return
        [
            .. watched.Select(
                (process, i) =>
                    new CpuUse(
                        process.Name,
                        Math.Round(end.Cpu[i] - begin.Cpu[i], 4),
                        Per100K(begin, end, i),
                        hasSteady ? Per100K(_steadyBegin!, _steadyEnd!, i) : null,
                        process.PeakKb()
                    )
            ),
        ];
    }

    private static double? Per100K(Reading from, Reading to, int i) =>
        to.Chunks > from.Chunks ? Math.Round((to.Cpu[i] - from.Cpu[i]) * 100_000 / (to.Chunks - from.Chunks), 3) : null;

    private Reading Read() => new(Clock.Now, tally.Chunks, [.. watched.Select(process => process.CpuSeconds())]);

    private sealed record Reading(long At, long Chunks, double[] Cpu);
}
