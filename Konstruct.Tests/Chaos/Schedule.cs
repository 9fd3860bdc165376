namespace Konstruct.Tests.Chaos;

/// <summary>Which faults strike when: a function of seed and minutes, so that a run can be repeated.</summary>
internal static class Schedule
{
    public const int MostAtOnce = 3;

    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(3);

    /// <summary>
    /// At most <see cref="MostAtOnce"/> at once, one at a time on a target, each kind as often as its weight before one comes again.
    /// </summary>
    public static IReadOnlyList<PlannedFault> Of(int seed, int minutes)
    {
        var random = new Random(seed);
        var end = TimeSpan.FromMinutes(minutes);
        var planned = new List<PlannedFault>();
        var kinds = new Queue<ChaosFault>();
        for (var now = Quiet; now < end; now += Seconds(random, 0.2, 4))
        {
            if (kinds.Count == 0)
            {
                kinds = new(Shuffled(random));
            }

            var active = planned.Where(fault => fault.End >= now).ToList();
            var kind = kinds.Peek();
            var target = kind.Targets[random.Next(kind.Targets.Count)];
            var duration = Seconds(random, kind.Shortest, kind.Longest);
            if (active.Count >= MostAtOnce || active.Exists(fault => fault.Target == target) || now + duration > end)
            {
                continue;
            }

            kinds.Dequeue();
            planned.Add(new(now, duration, kind.Name, target));
        }

        return planned;
    }

    private static ChaosFault[] Shuffled(Random random)
    {
        var kinds = ChaosFault.All.SelectMany(kind => Enumerable.Repeat(kind, kind.Weight)).ToArray();
        random.Shuffle(kinds);
        return kinds;
    }

    /// <summary>Whole tenths: what is printed is what is played.</summary>
    private static TimeSpan Seconds(Random random, double shortest, double longest) =>
        TimeSpan.FromMilliseconds(Math.Round((shortest + (random.NextDouble() * (longest - shortest))) * 10) * 100);
}
