using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Konstruct.Load.Measure;

/// <summary>
/// Runs a short loop on a core repeatedly, for half a per cent of the time, and measures its CPU time. Other work
/// on the physical machine increases it; a server that uses the core does not. Linux only.
/// </summary>
internal sealed class CoreWatch
{
    private const int Turns = 100_000;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly Thread _thread;
    private readonly int _core;
    private readonly CancellationToken _cancel;
    private volatile bool _hasEnded;
    private long _nanoseconds,
        _loops;
    private string? _problem;

    /// <summary>Starts the measurement.</summary>
    public CoreWatch(int core, CancellationToken cancel)
    {
        (_core, _cancel) = (core, cancel);
        _thread = new Thread(Watch) { IsBackground = true, Name = $"core {core}" };
        _thread.Start();
    }

    /// <summary>Ends the measurement.</summary>
    /// <exception cref="BadArgumentException">This process may not run on that core.</exception>
    public CoreSpeed End()
    {
        _hasEnded = true;
        _thread.Join();
        return _problem is { } problem
            ? throw new BadArgumentException(problem)
            : new(_core, Math.Round(_nanoseconds / 1e6 / Math.Max(1, _loops), 4));
    }

    /// <summary>Parses a core from an option.</summary>
    public static int Parse(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var core)
        && core < 64
        && Directory.Exists($"/sys/devices/system/cpu/cpu{core}")
            ? core
            : throw new BadArgumentException($"--core is '{text}': it is the number of a core of this machine, which runs Linux.");

    private void Watch()
    {
        var mask = 1UL << _core;
        if (SetAffinity(0, sizeof(ulong), ref mask) != 0)
        {
            _problem = $"Core {_core} cannot be watched: this process may not run there.";
            return;
        }

        Loop(); // Not counted: it may include compilation.
        while (!_hasEnded && !_cancel.WaitHandle.WaitOne(Pause))
        {
            var began = CpuClock.OfThread();
            Loop();
            _nanoseconds += CpuClock.OfThread() - began;
            _loops++;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static uint Loop()
    {
        var x = 2463534242u;
        for (var i = 0; i < Turns; i++)
        {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
        }

        return x;
    }

    [DllImport("libc", EntryPoint = "sched_setaffinity")]
    private static extern int SetAffinity(int thread, nint size, ref ulong mask);
}

/// <summary>Speed of a core during a run.</summary>
/// <param name="Core">The core's number, as in <c>taskset</c>.</param>
/// <param name="LoopMs">Mean CPU time of a fixed loop in milliseconds. The loop does not wait
/// for memory, so only the core's speed changes it.</param>
internal sealed record CoreSpeed(int Core, double LoopMs);
