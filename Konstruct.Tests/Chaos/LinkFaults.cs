using System.Collections.Concurrent;

namespace Konstruct.Tests.Chaos;

/// <summary>Connections that are cut, slow or silent, or that lose the replies to what was done.</summary>
internal static class LinkFaults
{
    private static readonly TimeSpan Late = TimeSpan.FromMilliseconds(150);

    /// <summary>Between two lost replies: a call is repeated at once, and would never succeed.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(400);

    private static readonly ConcurrentDictionary<(ChaosRig Rig, string Target), (CancellationTokenSource Stop, Task Losing)> Losers = new();

    public static IReadOnlyList<ChaosFault> All { get; } =
    [
        new(
            "cut",
            Targets.Links,
            0.5,
            6,
            ChaosFault.AtOnce(
                (rig, target) =>
                {
                    var link = rig.LinkOf(target);
                    link.Refuses = true;
                    link.Cut();
                }
            ),
            ChaosFault.AtOnce((rig, target) => rig.LinkOf(target).Refuses = false)
        ),
        new(
            "delayed",
            Targets.Links,
            2,
            10,
            ChaosFault.AtOnce((rig, target) => rig.LinkOf(target).Delay = Late),
            ChaosFault.AtOnce((rig, target) => rig.LinkOf(target).Delay = TimeSpan.Zero)
        ),
        new(
            "silent, then all arrives late",
            Targets.Links,
            1,
            8,
            ChaosFault.AtOnce((rig, target) => rig.LinkOf(target).Stall()),
            ChaosFault.AtOnce((rig, target) => rig.LinkOf(target).Resume())
        ),
        new(
            "a hole that swallows all",
            Targets.Links,
            1,
            8,
            ChaosFault.AtOnce((rig, target) => rig.LinkOf(target).Stall()),
            ChaosFault.AtOnce(
                (rig, target) =>
                {
                    var link = rig.LinkOf(target);
                    link.Cut(); // What it held is lost with its connections.
                    link.Resume();
                }
            )
        ),
        new("loses replies", Targets.ToRedis, 2, 8, LoseReplies("EVALSHA"), StopAsync),
        new("loses replies of commits", Targets.ToPostgres, 2, 8, LoseReplies("accept_turn", "finish_turn"), StopAsync),
    ];

    private static Func<ChaosRig, string, Task> LoseReplies(params string[] requests) =>
        ChaosFault.AtOnce(
            (rig, target) =>
            {
                var stop = new CancellationTokenSource();
                Losers[(rig, target)] = (stop, LoseAsync(rig, target, requests, stop.Token));
            }
        );

    private static async Task LoseAsync(ChaosRig rig, string target, string[] requests, CancellationToken stop)
    {
        var link = rig.LinkOf(target);
        try
        {
            for (var i = 0; ; i++)
            {
                await link.LoseReplyToAsync(requests[i % requests.Length]).WaitAsync(stop);
                await Task.Delay(Rest, stop);
            }
        }
        catch (OperationCanceledException)
        {
            link.Disarm();
        }
    }

    private static async Task StopAsync(ChaosRig rig, string target)
    {
        if (Losers.TryRemove((rig, target), out var loser))
        {
            await loser.Stop.CancelAsync();
            await loser.Losing;
            loser.Stop.Dispose();
        }
    }
}
