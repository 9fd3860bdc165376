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

/// <summary>
/// One attempt that this worker holds the lease of. Whoever wants to stop it, a gateway or the heartbeat that finds its lease gone, may come when it has just
/// ended by itself.
/// </summary>
internal sealed class RunningTurn(string entry, Guid turnId) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private StopReason _reason;
    private bool _hasEnded;

    /// <summary>Its entry in the dispatch queue.</summary>
    public string Entry => entry;

    public Guid TurnId => turnId;

    /// <summary>Cancelled when it is to stop.</summary>
    public CancellationToken Stopped => _stop.Token;

    public StopReason Reason
    {
        get
        {
            lock (_gate)
            {
                return _reason;
            }
        }
    }

    /// <summary>Stops it, unless it has ended; the first reason counts.</summary>
    public void Stop(StopReason reason)
    {
        lock (_gate)
        {
            if (!_hasEnded && _reason == StopReason.None)
            {
                _reason = reason;
                _stop.Cancel();
            }
        }
    }

    /// <summary>It has been answered to the end: nothing stops it any more.</summary>
    public void End()
    {
        lock (_gate)
        {
            _hasEnded = true;
        }
    }

    public void Dispose()
    {
        End();
        _stop.Dispose();
    }
}
