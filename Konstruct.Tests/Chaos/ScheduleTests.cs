using Xunit;

namespace Konstruct.Tests.Chaos;

/// <summary>A seed repeats its schedule, and a schedule keeps to its limits.</summary>
public sealed class ScheduleTests
{
    [Fact]
    public void The_same_seed_gives_the_same_schedule()
    {
        Assert.Equal(Schedule.Of(7, 10), Schedule.Of(7, 10));
        Assert.NotEqual(Schedule.Of(7, 10), Schedule.Of(8, 10));
    }

    /// <summary>A run that found something must be playable later: the schedule of a seed must not change with the runtime.</summary>
    [Fact]
    public void The_schedule_of_a_seed_is_known() =>
        Assert.Equal(
            "3.0 s   5.1 s  gateway 2 to Redis: delayed; 7.9 s   4.7 s  clients to gateway 1: delayed; 8.5 s   5.1 s  worker 3 (Python): killed",
            string.Join("; ", Schedule.Of(5, 1).Take(3).Select(fault => $"{fault}".Trim()))
        );

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void At_most_three_faults_overlap_and_none_on_one_target(int seed)
    {
        var schedule = Schedule.Of(seed, 60);
        Assert.True(schedule.Count > 500, $"{schedule.Count} faults");
        Assert.All(
            schedule,
            fault =>
            {
                var active = schedule.Where(other => other.Start <= fault.Start && other.End >= fault.Start).ToList();
                Assert.InRange(active.Count, 1, Schedule.MostAtOnce);
                Assert.Equal(active.Count, active.DistinctBy(other => other.Target).Count());
            }
        );
        Assert.Contains(schedule, fault => schedule.Count(other => other.Start <= fault.Start && other.End >= fault.Start) == Schedule.MostAtOnce);
    }

    [Fact]
    public void Every_kind_comes_and_ends_within_the_run()
    {
        var schedule = Schedule.Of(4, 10);
        Assert.Equal(ChaosFault.All.Select(kind => kind.Name).Order(), schedule.Select(fault => fault.Name).Distinct().Order());
        Assert.All(schedule, fault => Assert.InRange(fault.End, TimeSpan.Zero, TimeSpan.FromMinutes(10)));
        Assert.All(schedule, fault => Assert.Contains(fault.Target, ChaosFault.Named(fault.Name).Targets));
    }
}
