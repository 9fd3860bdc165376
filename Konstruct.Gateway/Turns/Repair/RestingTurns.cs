namespace Konstruct.Gateway.Turns.Repair;

/// <summary>
/// Turns whose repair failed. Each is skipped for a pause that grows with its failures, so a turn that
/// always fails, even after a long wait, costs the others one round at most.
/// </summary>
internal sealed class RestingTurns(TimeProvider time)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1),
        Longest = TimeSpan.FromMinutes(1);

    /// <summary>More than can fail at once unless a store is down. A forgotten turn is only retried sooner.</summary>
    private const int Most = 10_000;

    private readonly Dictionary<Guid, (int Failures, TimeSpan Pause, long Since)> _turns = [];

    public bool IsResting(Guid turnId) => _turns.TryGetValue(turnId, out var rest) && time.GetElapsedTime(rest.Since) < rest.Pause;

    /// <summary>Records the result of a repair.</summary>
    public void Note(Guid turnId, bool isRepaired)
    {
        if (isRepaired)
        {
            _turns.Remove(turnId);
            return;
        }

        if (_turns.Count >= Most)
        {
            _turns.Clear();
        }

        var failures = _turns.GetValueOrDefault(turnId).Failures + 1;
        var pause = First * Math.Pow(2, Math.Min(failures - 1, 10));
        _turns[turnId] = (failures, (pause < Longest ? pause : Longest) * (0.5 + (Random.Shared.NextDouble() / 2)), time.GetTimestamp());
    }
}
