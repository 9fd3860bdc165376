using System.Runtime.InteropServices;

namespace Konstruct.LocalServers.Processes;

/// <summary>
/// The one place that decides when to stop: SIGTERM, SIGINT or SIGHUP, and with <c>--stop-with-stdin</c> the end of standard input. The pipe's
/// other end closes when its owner dies, also of SIGKILL: that is what keeps a killed AppHost from leaving servers behind.
/// </summary>
internal sealed class StopRequest : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _signals = [];

    public CancellationToken Token => _stop.Token;

    public static StopRequest Listen(bool stopWithStdin)
    {
        var request = new StopRequest();
        foreach (var signal in (PosixSignal[])[PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGHUP])
        {
            request._signals.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                request._stop.Cancel();
            }));
        }
        if (stopWithStdin)
        {
            // Ctrl+C in a terminal reaches every process of its foreground group at once; the owner of the pipe decides the order instead.
            Native.LeaveTerminal();
            new Thread(request.WaitForEndOfInput) { IsBackground = true, Name = "stdin" }.Start();
        }
        return request;
    }

    private void WaitForEndOfInput()
    {
        using var input = Console.OpenStandardInput();
        Span<byte> ignored = stackalloc byte[64];
        while (input.Read(ignored) > 0)
        {
        }
        _stop.Cancel();
    }

    public void Dispose()
    {
        foreach (var signal in _signals)
            signal.Dispose();
        // _stop is not disposed: the thread on standard input may still cancel it while the process ends.
    }
}
