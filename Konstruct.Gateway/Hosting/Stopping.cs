namespace Konstruct.Gateway.Hosting;

/// <summary>Phases of the shutdown. First nothing new is accepted; later work in flight is abandoned.</summary>
internal sealed class Stopping : IDisposable
{
    private readonly CancellationTokenSource _hard = new();

    /// <summary>Set on SIGTERM: not ready, no new sockets, no new messages.</summary>
    public bool IsDraining { get; private set; }

    /// <summary>Cancelled when the drain's time is up.</summary>
    public CancellationToken Hard => _hard.Token;

    public void BeginDrain() => IsDraining = true;

    public void Abandon() => _hard.Cancel();

    public void Dispose() => _hard.Dispose();
}
