using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Konstruct.AppHost.Standalone;

/// <summary>
/// Ctrl+C, SIGTERM and a closed terminal ask for an orderly stop; the second time for an immediate one. The death of the <c>dotnet run</c> that
/// started us asks for one as well: whoever kills that means the application.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    /// <summary>A signal to a process group reaches us twice, the second time by way of <c>dotnet run</c>; nobody presses Ctrl+C as fast.</summary>
    private static readonly TimeSpan SameSignal = TimeSpan.FromMilliseconds(300);

    private static readonly TimeSpan ParentInterval = TimeSpan.FromSeconds(0.5);

    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _kill = new();

    /// <summary>
    /// Kept for as long as the process lives: without them a third Ctrl+C, in the instant before the end, would end it with a signal's exit code.
    /// </summary>
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Timer? _parentWatch;
    private long _first;
    private volatile bool _isOver;

    public StopSignals()
    {
        _registrations = [.. ((PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
            .Select(signal => PosixSignalRegistration.Create(signal, Receive))];
        if (!OperatingSystem.IsWindows() && GetParent() is var parent && IsDotnet(parent))
            _parentWatch = new(_ => StopWithout(parent), null, ParentInterval, ParentInterval);
    }

    public CancellationToken Stop => _stop.Token;

    public CancellationToken Kill => _kill.Token;

    private void Receive(PosixSignalContext context)
    {
        context.Cancel = true;
        Request();
    }

    private void Request()
    {
        if (_isOver)
            return;
        if (Interlocked.CompareExchange(ref _first, Stopwatch.GetTimestamp(), 0) is 0)
            _stop.Cancel();
        else if (Stopwatch.GetElapsedTime(_first) > SameSignal)
            _kill.Cancel();
    }

    /// <summary>A process whose parent died has another one from then on.</summary>
    private void StopWithout(int parent)
    {
        if (GetParent() == parent)
            return;
        _parentWatch!.Change(Timeout.Infinite, Timeout.Infinite);
        Request();
    }

    private static bool IsDotnet(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return process.ProcessName is "dotnet";
        }
        catch (ArgumentException)
        {
            return false; // It is gone already, or this is another container's.
        }
    }

    [DllImport("libc", EntryPoint = "getppid")]
    private static extern int GetParent();

    public void Dispose()
    {
        _isOver = true;
        _parentWatch?.Dispose();
        GC.KeepAlive(_registrations);
    }
}
