using System.Globalization;

namespace Konstruct.Load.Measure;

/// <summary>Prints one line a second to standard error, so that the table can be piped.</summary>
internal sealed class Progress(Tally tally, LoadOptions options)
{
    private readonly bool _isTerminal = !Console.IsErrorRedirected;
    private long _chunks;
    private long _at = Clock.Now;
    private TimeSpan _own = Environment.CpuUsage.TotalTime;

    public void Say()
    {
        var (now, chunks, own) = (Clock.Now, tally.Chunks, Environment.CpuUsage.TotalTime);
        var seconds = Math.Max((now - _at) / 1e6, 0.001);
        var line = string.Create(
            CultureInfo.InvariantCulture,
            $"{tally.Sockets, 6}/{options.Conversations} sockets  {tally.AnswersBegun - tally.Answers, 6} answers running  {tally.Answers, 6} done  "
                + $"{(chunks - _chunks) / seconds, 8:F0} chunks/s  first chunk p99 {tally.FirstChunks().P99, 7:F1} ms  "
                + $"delay p99 {tally.Delays().P99, 7:F1} ms  "
                + $"{tally.Wrong} wrong  generator {(own - _own).TotalSeconds / seconds * 100, 3:F0} % CPU"
        );
        (_at, _chunks, _own) = (now, chunks, own);
        Console.Error.Write(_isTerminal ? $"\r{line}" : $"{line}\n");
    }

    public void End()
    {
        if (_isTerminal)
        {
            Console.Error.WriteLine();
        }
    }
}
