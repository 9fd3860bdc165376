using System.Diagnostics;
using Konstruct.Tests.Harness;
using Npgsql;
using StackExchange.Redis;

namespace Konstruct.Tests.Chaos;

/// <summary>One run: a calm beginning, faults by schedule under clients that go on, and then one check of everything.</summary>
internal sealed class ChaosRun(int seed, int minutes)
{
    /// <summary>
    /// A turn without an end by then hangs. Beyond every repair; a turn that cannot be repaired rests for up to a minute in between.
    /// </summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    /// <summary>After a fault: connections are made again with a pause of some seconds.</summary>
    private static readonly TimeSpan Reconnect = TimeSpan.FromSeconds(10);

    public async Task<Summary> PlayAsync()
    {
        await using var rig = await ChaosRig.StartAsync();
        await using var first = new Crowd(rig, unchecked(seed * 31));
        await Until.TrueAsync(() => Task.FromResult(first.HasAsked(2)));
        await first.EndAsync(Limit);
        await LeftBehindAsync(rig, "before the faults");
        var before = await Resources.ReadAsync(rig);

        var schedule = Schedule.Of(seed, minutes);
        using var player = new FaultPlayer(rig, schedule);
        await using var crowd = new Crowd(rig, seed);
        await player.PlayAsync();
        await rig.AllServeAsync();
        await crowd.EndAsync(Limit);
        await LeftBehindAsync(rig, "after the faults");
        var after = await ResourcesAsync(rig, before);
        rig.NoteErrors();

        var stored = await StoredTurns.ReadAsync(rig.Sql);
        IReadOnlyList<ToldTurn> told = [.. first.Told((_, _) => true), .. crowd.Told((from, to) => CouldRead(player.Played, from, to))];
        IReadOnlyList<AskedMessage> asked = [.. first.Asked, .. crowd.Asked];
        return new(seed, minutes)
        {
            Schedule = schedule,
            Played = player.Played,
            Skipped = [.. ChaosFault.All.Where(kind => kind.Impossible(rig) is not null).Select(kind => $"{kind.Name}: {kind.Impossible(rig)}")],
            Asked = asked.Count,
            Stored = stored,
            Wholes = told.Count(one => one.MustBeWhole),
            Returns = crowd.Returns,
            Before = before,
            After = after,
            Errors = [.. rig.Errors],
            Violations = [.. rig.Violations, .. first.Violations, .. crowd.Violations, .. new Verdict(asked, told, stored, rig.Reasons).Check()],
            Log = rig.Log,
        };
    }

    /// <summary>Whether no fault stood between gateways and their logs from one moment to the other.</summary>
    private static bool CouldRead(IReadOnlyList<PlayedFault> played, long from, long to) =>
        !played.Any(fault =>
            Targets.IsOnTheWayToRedis(fault.Planned.Target)
            && fault.Struck <= to
            && fault.Healed + (long)(Reconnect.TotalSeconds * Stopwatch.Frequency) >= from
        );

    private static async Task LeftBehindAsync(ChaosRig rig, string when)
    {
        IReadOnlyList<string> left = [];
        try
        {
            await Until.TrueAsync(async () => (left = await TryReadAsync(rig)).Count == 0, Limit);
        }
        catch (TimeoutException)
        {
            foreach (var one in left)
            {
                rig.Violations.Enqueue(new(Rule.LeftBehind, $"{when}: {one}"));
            }
        }
    }

    private static async Task<IReadOnlyList<string>> TryReadAsync(ChaosRig rig)
    {
        try
        {
            return await rig.LeftBehindAsync();
        }
        catch (Exception e) when (e is RedisException or NpgsqlException or TimeoutException)
        {
            return [$"a store is not back: {e.Message}"];
        }
    }

    /// <summary>What there is when it is back where it was, or at the end of the time for that.</summary>
    private static async Task<Resources> ResourcesAsync(ChaosRig rig, Resources before)
    {
        var after = before;
        try
        {
            await Until.TrueAsync(async () => !(after = await Resources.ReadAsync(rig)).Excess(before).Any());
        }
        catch (TimeoutException)
        {
            foreach (var excess in after.Excess(before))
            {
                rig.Violations.Enqueue(new(Rule.LeftBehind, excess));
            }
        }

        return after;
    }
}
