namespace Konstruct.OrchestratorStub.Work;

/// <summary>Why a running turn must stop.</summary>
internal enum StopReason
{
    /// <summary>It need not stop.</summary>
    None,

    /// <summary>A gateway ended the turn: cancelled or overdue.</summary>
    Ended,

    /// <summary>The lease or the log is lost. Another attempt will be made.</summary>
    Lost,

    /// <summary>The worker is stopping and gives the turn back.</summary>
    GivenBack,
}

/// <summary>
/// An attempt whose lease this worker holds. A stop, from a gateway or from the heartbeat, may arrive just after the attempt has ended.
/// </summary>
internal sealed class RunningTurn(string entry, Guid turnId) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private StopReason _reason;
    private bool _hasEnded;

    /// <summary>Entry in the dispatch queue.</summary>
    public string Entry => entry;

    public Guid TurnId => turnId;

    /// <summary>Names this worker's claim in the turn's log: another worker may hold the same attempt.</summary>
    public string ClaimId { get; } = Guid.NewGuid().ToString("N");

    /// <summary>Cancelled when the turn must stop.</summary>
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

    /// <summary>Stops the turn, unless it has ended. The first reason wins.</summary>
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

    /// <summary>Marks the turn as finished; a later stop has no effect.</summary>
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
