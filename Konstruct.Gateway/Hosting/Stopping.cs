namespace Konstruct.Gateway.Hosting;

/// <summary>Phases of the shutdown. First nothing new is accepted; later work in flight is abandoned.</summary>
internal sealed class Stopping : IDisposable
{
    private readonly CancellationTokenSource _hard = new();

    public Stopping() => Hard = _hard.Token;

    /// <summary>Set on SIGTERM: not ready, no new sockets, no new messages.</summary>
    public bool IsDraining { get; private set; }

    /// <summary>Cancelled when the drain's time is up. Work that outlives this object may still ask for it.</summary>
    public CancellationToken Hard { get; }

    public void BeginDrain() => IsDraining = true;

    public void Abandon() => _hard.Cancel();

    public void Dispose() => _hard.Dispose();
}
