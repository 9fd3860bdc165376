using Konstruct.Gateway.Turns.Celery;
using Konstruct.Tests.Faults;
using Konstruct.Tests.Harness;
using StackExchange.Redis;

namespace Konstruct.Tests.Celery;

/// <summary>
/// The faults of the usual table that mean the same with a Celery queue, and those of the queue itself. A worker's claims and leases are Celery's own
/// there, and a chunk that is published while nobody is subscribed is lost: what only tries these is not among them.
/// </summary>
internal static class CeleryFault
{
    /// <summary>Long enough that the answer's end is published after Redis and all who use it are back.</summary>
    private const string Lasting = "/stream tokens=60 rate=6 delay=0";

    /// <summary>What a gateway sends when it begins to listen, with the task that it keeps; then to put that task on the list.</summary>
    private const string Listens = "orchestrator.tasks.handle_message",
        Puts = "{celery}:konstruct:sent:";

    private static readonly string[] Same =
    [
        "kill -9 a gateway mid-stream",
        "Redis stands still for 10 s",
        "Redis 100 ms away",
        "a gateway cut off from Redis mid-stream",
        "a gateway cut off until all was over elsewhere and lost in Redis",
        "clients that leave while their gateway's connection to Redis is renewed",
        "clients that come while their gateway is cut off from Redis",
        "a gateway cut off after the commit of a message, before the reply",
        "a gateway cut off after the commit of an answer, before the reply",
        "a message sent to two replicas at once",
        "cancel racing done",
        "a client that leaves after every third chunk",
        "two tabs that ask at once",
        "rolling restart of gateways and workers",
    ];

    /// <summary>The log is gone, and no worker repeats what was in it.</summary>
    private static readonly string[] SameEnd = ["FLUSHALL mid-stream", "the log lost under its readers"];

    /// <summary>Likewise, and Redis is away for seconds.</summary>
    private static readonly string[] SameEndLater = ["Redis restarted without its data", "Redis restarted with older data"];

    private static readonly Fault[] Own =
    [
        // On busy cores the second gateway listens a second later. What is published before is lost with the first one.
        new(Fault.ComeBack, run => Fault.ComeBackAsync(run, tokens: 30, () => StoodByAsync(run))),
        // Kombu can lose a task that it takes from the list while its worker stops. Garnet can give one to the blocked connection of a worker that has stopped.
        new(Fault.RestartedInTurn, run => Fault.RestartInTurnAsync(run, asksWhileAWorkerStops: false), RedisKind.Redis),
        WithTheEndOnly(
            new(
                "kill -9 both workers mid-stream, new ones when Celery delivers again",
                async run =>
                {
                    await Fault.StreamAsync(run);
                    run.Strikes();
                    foreach (var worker in run.Rig.Workers)
                    {
                        await worker.Process.KillAsync();
                    }

                    await LetTimePassAsync(run.Rig.Redis.Database);
                    foreach (var worker in run.Rig.Workers)
                    {
                        await worker.StartAsync();
                    }
                },
                RedisKind.Redis // On Garnet, Kombu now and then leaves some of the tasks undelivered.
            )
        ),
        new(
            "SIGSTOP both workers for 3 s",
            async run =>
            {
                await Fault.StreamAsync(run);
                run.Strikes();
                foreach (var worker in run.Rig.Workers)
                {
                    worker.Process.Stall();
                }

                await Task.Delay(TimeSpan.FromSeconds(3));
                foreach (var worker in run.Rig.Workers)
                {
                    worker.Process.Resume();
                }
            }
        ),
        WithTheEndOnly(
            new(
                "both workers cut off from Redis mid-stream",
                async run =>
                {
                    await Fault.StreamAsync(run);
                    run.Strikes();
                    foreach (var worker in run.Rig.Workers)
                    {
                        worker.Redis.Refuses = true;
                        worker.Redis.Cut();
                    }

                    await Task.Delay(TimeSpan.FromSeconds(1));
                    foreach (var worker in run.Rig.Workers)
                    {
                        worker.Redis.Refuses = false;
                    }
                }
            )
        ),
        new(
            "Postgres restarted at done",
            async run =>
            {
                await Fault.StreamAsync(run);
                await run.Rig.Database.Server.KillServerAsync();
                await run.HeardAsync(chunks: 60);
                run.Strikes();
                await run.Rig.Database.Server.StartServerAsync();
            }
        ),
        new(
            "a gateway cut off after it began to listen, before the reply",
            run => Fault.LoseGatewaysReplyAsync(run, gateway => gateway.Redis, Listens)
        ),
        new(
            "a gateway cut off after it had put a task on the list, before the reply",
            run => Fault.LoseGatewaysReplyAsync(run, gateway => gateway.Redis, Puts)
        ),
    ];

    public static IReadOnlyList<Fault> All { get; } =
    [.. Named(Same), .. Named(SameEnd).Select(WithTheEndOnly), .. Own.Concat(Named(SameEndLater).Select(WithTheEndOnly)).Select(Longer)];

    private static IEnumerable<Fault> Named(string[] names) => Fault.All.Where(fault => names.Contains(fault.Name));

    private static Fault WithTheEndOnly(Fault fault) =>
        fault with
        {
            PlayAsync = run =>
            {
                run.OnlyTheEndCounts = true;
                return fault.PlayAsync(run);
            },
        };

    private static Fault Longer(Fault fault) =>
        fault with
        {
            PlayAsync = run =>
            {
                run.Streaming = Lasting;
                return fault.PlayAsync(run);
            },
        };

    private static Task StoodByAsync(FaultRun run) =>
        Until.TrueAsync(
            async () =>
                (
                    await Task.WhenAll(
                        run.AskedTurns.Select(asked => run.Rig.Redis.Database.KeyExistsAsync(ListeningKeys.Standby(asked.Conversation, asked.Turn)))
                    )
                ).All(isThere => isThere),
            FaultRun.Limit
        );

    /// <summary>Kombu delivers again, when a worker starts, what was taken longer ago than the visibility timeout: as if that were now.</summary>
    private static async Task LetTimePassAsync(IDatabase redis)
    {
        foreach (var taken in await redis.SortedSetRangeByRankAsync("unacked_index"))
        {
            await redis.SortedSetAddAsync("unacked_index", taken, 0);
        }
    }
}
