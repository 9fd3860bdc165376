using System.Runtime.InteropServices;

namespace Konstruct.LocalServers.Processes;

/// <summary>The only source of stop requests: SIGTERM, SIGINT or SIGHUP.</summary>
internal sealed class StopRequest : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _signals = [];

    public CancellationToken Token => _stop.Token;

    public static StopRequest Listen()
    {
        var request = new StopRequest();
        foreach (var signal in (PosixSignal[])[PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGHUP])
        {
            request._signals.Add(
                PosixSignalRegistration.Create(
                    signal,
                    context =>
                    {
                        context.Cancel = true;
                        request._stop.Cancel();
                    }
                )
            );
        }

        return request;
    }

    public void Dispose()
    {
        foreach (var signal in _signals)
        {
            signal.Dispose();
        }

        _stop.Dispose();
    }
}
