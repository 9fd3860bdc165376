using Konstruct.OrchestratorStub.Work;
using Xunit;

namespace Konstruct.Tests.Turns;

/// <summary>
/// A heartbeat that had looked a turn up when its lease was gone, and stopped it when it had just ended, took the worker down: its turns went on elsewhere, and
/// while there was no other worker, nobody's did.
/// </summary>
public sealed class RunningTurnTests
{
    [Fact]
    public void What_has_ended_cannot_be_stopped()
    {
        var running = new RunningTurns();
        var turn = new RunningTurn("entry", Guid.NewGuid());
        running.Add(turn);
        turn.Dispose();
        running.StopEntry(turn.Entry, StopReason.Lost);
        running.StopTurn(turn.TurnId, StopReason.Ended);
        running.StopAll(StopReason.GivenBack);
        Assert.Equal(StopReason.None, turn.Reason);
    }

    [Fact]
    public void What_has_been_answered_is_not_lost_with_its_lease()
    {
        using var turn = new RunningTurn("entry", Guid.NewGuid());
        turn.End();
        turn.Stop(StopReason.Lost);
        Assert.Equal(StopReason.None, turn.Reason);
        Assert.False(turn.Stopped.IsCancellationRequested);
    }

    [Fact]
    public void The_first_reason_counts()
    {
        using var turn = new RunningTurn("entry", Guid.NewGuid());
        turn.Stop(StopReason.Ended);
        turn.Stop(StopReason.Lost);
        Assert.Equal(StopReason.Ended, turn.Reason);
        Assert.True(turn.Stopped.IsCancellationRequested);
    }
}
