using System.Runtime.InteropServices;

namespace Konstruct.Load.Measure;

/// <summary>CPU clocks of the kernel, in nanoseconds. Linux only.</summary>
internal static class CpuClock
{
    private const int CurrentThread = 3;

    /// <summary>The low bits of a process's clock: CPU time of all its threads, the ended ones included.</summary>
    private const int AllThreads = 2;

    /// <summary>CPU time of the calling thread.</summary>
    public static long OfThread() => Read(CurrentThread) ?? 0;

    /// <summary>
    /// CPU time of a process, without its children; null: it has ended. <c>/proc</c> counts the same in hundredths of a second, which ten
    /// conversations do not use in ten seconds.
    /// </summary>
    public static long? OfProcess(int id) => Read((~id << 3) | AllThreads);

    private static long? Read(int clock) => GetTime(clock, out var time) == 0 ? (time.Seconds * 1_000_000_000) + time.Nanoseconds : null;

    [DllImport("libc", EntryPoint = "clock_gettime")]
    private static extern int GetTime(int clock, out TimeSpec time);

    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
