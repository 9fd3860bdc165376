namespace Konstruct.OrchestratorStub.Work;

/// <summary>Why a turn that is being answered is to stop.</summary>
internal enum StopReason
{
    /// <summary>It is not.</summary>
    None,

    /// <summary>A gateway ended the turn: cancelled, or too late.</summary>
    Ended,

    /// <summary>The lease, or the log, is lost: another attempt will be made.</summary>
    Lost,

    /// <summary>This process is stopping and gives the turn back.</summary>
    GivenBack,
}

/// <summary>One attempt that this worker holds the lease of.</summary>
internal sealed class RunningTurn(string entry, Guid turnId) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private int _reason;

    /// <summary>Its entry in the dispatch queue.</summary>
    public string Entry => entry;

    public Guid TurnId => turnId;

    /// <summary>Cancelled when it is to stop.</summary>
    public CancellationToken Stopped => _stop.Token;

    public StopReason Reason => (StopReason)Volatile.Read(ref _reason);

    /// <summary>Stops it; the first reason counts.</summary>
    public void Stop(StopReason reason)
    {
        if (Interlocked.CompareExchange(ref _reason, (int)reason, (int)StopReason.None) == (int)StopReason.None)
        {
            _stop.Cancel();
        }
    }

    public void Dispose() => _stop.Dispose();
}
