namespace Konstruct.Load.Measure;

/// <summary>Microseconds of the Unix epoch, the clock of the workers' stamps.</summary>
internal static class Clock
{
    public static long Now => (DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static Task UntilAsync(long due, CancellationToken cancel) =>
        due - Now is var wait and > 0 ? Task.Delay(TimeSpan.FromMicroseconds(wait), cancel) : Task.CompletedTask;
}
