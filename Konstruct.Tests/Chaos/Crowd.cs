using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Chaos;

/// <summary>The clients of a run: two tenants, version 1 and version 2, some of both in one conversation.</summary>
internal sealed class Crowd : IAsyncDisposable
{
    private const int Talkers = 8,
        Old = 4;

    private readonly List<Talker> _talkers = [];
    private readonly List<OldClient> _old = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _talking;

    public Crowd(ChaosRig rig, int seed)
    {
        Guid[] tenants = [Guid.NewGuid(), Guid.NewGuid()];
        for (var i = 0; i < Talkers; i++)
        {
            var (person, conversation) = (new Person(tenants[i % tenants.Length], Guid.NewGuid()), Guid.NewGuid());
            _talkers.Add(new(rig, $"new client {i + 1}", person, conversation, unchecked(seed + i)));
            if (i >= Old)
            {
                continue;
            }

            // Half of the old clients share a conversation with a new one.
            var isAlone = i % 2 == 0;
            var old = isAlone ? person with { User = Guid.NewGuid() } : person;
            _old.Add(new(rig, $"old client {i + 1}", old, isAlone ? Guid.NewGuid() : conversation, unchecked(seed + Talkers + i)));
        }

        _talking = Task.WhenAll([.. _talkers.Select(one => one.TalkAsync(_stop.Token)), .. _old.Select(one => one.TalkAsync(_stop.Token))]);
    }

    public IReadOnlyList<AskedMessage> Asked => [.. _talkers.SelectMany(one => one.Asked), .. _old.SelectMany(one => one.Asked)];

    /// <summary>How often clients had to come back.</summary>
    public int Returns => _talkers.Sum(one => one.Returns) + _old.Sum(one => one.Returns);

    /// <summary>How many clients there are.</summary>
    public static int Size => Talkers + Old;

    /// <summary>What no client should have got.</summary>
    public IEnumerable<Violation> Violations => _talkers.SelectMany(one => one.Violations).Concat(_old.SelectMany(one => one.Violations));

    /// <summary>Whether every client of version 2 has asked this often and has an answer to all but the last.</summary>
    public bool HasAsked(int messages) => _talkers.TrueForAll(one => one.Asked.Count > messages);

    /// <summary>No more questions. Waits for the ends of all that were asked, then all leave.</summary>
    public async Task EndAsync(TimeSpan limit)
    {
        await _stop.CancelAsync();
        try
        {
            await Until.TrueAsync(() => Task.FromResult(_talking.IsCompleted && _talkers.TrueForAll(one => one.HasAllEnds)), limit);
        }
        catch (TimeoutException)
        {
            // What is missing is what the check finds.
        }

        await LeaveAsync();
    }

    public IReadOnlyList<ToldTurn> Told(Func<long, long, bool> couldRead) =>
        [.. _talkers.SelectMany(one => one.Told(couldRead)), .. _old.SelectMany(one => one.Told)];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await LeaveAsync();
        _old.ForEach(old => old.Dispose());
        _stop.Dispose();
    }

    private async Task LeaveAsync()
    {
        foreach (var old in _old)
        {
            await old.LeaveAsync();
        }

        await _talking;
        foreach (var talker in _talkers)
        {
            await talker.LeaveAsync();
        }
    }
}
