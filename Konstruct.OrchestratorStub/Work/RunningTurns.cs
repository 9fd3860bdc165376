using System.Collections.Concurrent;

namespace Konstruct.OrchestratorStub.Work;

/// <summary>The turns that this worker is answering.</summary>
internal sealed class RunningTurns
{
    private readonly ConcurrentDictionary<string, RunningTurn> _turns = new();

    public int Count => _turns.Count;

    public ICollection<string> Entries => _turns.Keys;

    public void Add(RunningTurn turn) => _turns[turn.Entry] = turn;

    public void Remove(RunningTurn turn) => _turns.TryRemove(turn.Entry, out _);

    public void StopEntry(string entry, StopReason reason)
    {
        if (_turns.TryGetValue(entry, out var turn))
        {
            turn.Stop(reason);
        }
    }

    public void StopTurn(Guid turnId, StopReason reason)
    {
        foreach (var (_, turn) in _turns)
        {
            if (turn.TurnId == turnId)
            {
                turn.Stop(reason);
            }
        }
    }

    public void StopAll(StopReason reason)
    {
        foreach (var (_, turn) in _turns)
        {
            turn.Stop(reason);
        }
    }
}
