using System.Globalization;

namespace Konstruct.Load.Measure;

/// <summary>The table at the end of a run.</summary>
internal static class Report
{
    /// <summary>Above this share of its cores, the generator limits the result.</summary>
    private const double Saturated = 0.9;

    public static void Print(Outcome outcome, TextWriter to)
    {
        Line($"{outcome.Conversations} conversations, {outcome.Dialect}, \"{outcome.Text}\"");
        Line($"answers       {outcome.Done} of {outcome.Asked} in {outcome.Seconds:F1} s");
        Line(
            $"chunks        {outcome.Chunks}, {outcome.ChunksPerSecond:F0} a second, {outcome.FrameBytes:F1} bytes on the wire for {outcome.TextBytes:F1} of text"
        );
        Line(
            $"wrong         {outcome.Missing} missing, {outcome.Duplicated} duplicated, {outcome.Corrupt} corrupt, {outcome.Hung} hung, {outcome.Cut} cut"
        );
        Line(
            $"              {List("errors", outcome.Errors)}; {List("closes", outcome.Closes)}; {outcome.Returned} returned, {outcome.Repeated} repeated then, {outcome.Resets} reset, {outcome.UnknownFrames} frames unknown"
        );
        Line($"ms                 p50       p99       max     count");
        Times("typing", outcome.Typing);
        Times("first chunk", outcome.FirstChunk);
        Times("added delay", outcome.Delay);
        Times("answer", outcome.Answer);
        foreach (var cpu in outcome.Cpu)
        {
            Line(
                $"CPU           {cpu.Name}: {cpu.Seconds:F2} s, {Number(cpu.Per100K)} s per 100,000 chunks, {Number(cpu.SteadyPer100K)} while all streamed; {cpu.PeakKb / 1024} MB at most"
            );
        }

        foreach (var (core, loopMs) in outcome.Cores)
        {
            Line($"core {core, -8} {loopMs:F4} ms of CPU for the same loop");
        }

        Line($"generator     {outcome.GeneratorShare:P0} of a core, of {outcome.GeneratorCores} that it may use");
        if (outcome.GeneratorShare > Saturated * outcome.GeneratorCores)
        {
            Line($"THE GENERATOR IS SATURATED: these numbers are its own, not the server's.");
        }

        void Line(FormattableString text) => to.WriteLine(text.ToString(CultureInfo.InvariantCulture));

        void Times(string name, Quantiles times) => Line($"{name, -12} {times.P50, 9:F2} {times.P99, 9:F2} {times.Max, 9:F2} {times.Count, 9}");
    }

    private static string Number(double? value) => value?.ToString("F2", CultureInfo.InvariantCulture) ?? "–";

    private static string List(string what, Dictionary<string, int> counts) =>
        counts.Count == 0 ? $"no {what}" : $"{what} {string.Join(", ", counts.Select(pair => $"{pair.Key}: {pair.Value}"))}";
}
