using Konstruct.Contracts.Redis;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Faults;

/// <summary>Something that goes wrong while answers are being streamed.</summary>
/// <param name="Name">As the table has it.</param>
/// <param name="PlayAsync">Asks and strikes. What it breaks stays broken until the reckoning, save what it mends itself as part of the play.</param>
/// <param name="Only">The one server that can do it; null: both.</param>
internal sealed record Fault(string Name, Func<FaultRun, Task> PlayAsync, RedisKind? Only = null)
{
    internal const string ComeBack = "300 conversations come back at once from a killed gateway";

    internal const string RestartedInTurn = "40 clients behind a balancer, each of four processes restarted in turn";

    private const int Clients = 4;

    /// <summary>What every worker writes with a chunk, and with the end of an answer; what it opens an attempt with; what a gateway queues.</summary>
    private const string Chunk = "\"type\":\"chunk\"",
        Done = "\"type\":\"done\"",
        Open = "\"type\":\"reset\"",
        Dispatch = "\"channel\":\"web\"";

    public static IReadOnlyList<Fault> All { get; } =
    [
        new(
            "kill -9 a gateway mid-stream",
            async run =>
            {
                await StreamAsync(run);
                run.Strikes();
                await run.Rig.Gateways[0].Process.KillAsync();
            }
        ),
        new(
            "kill -9 a worker mid-stream",
            async run =>
            {
                var (busy, other) = await StreamFromOneWorkerAsync(run);
                other.Process.Resume();
                run.Strikes();
                await busy.Process.KillAsync();
            }
        ),
        new("kill -9 a worker between the two steps of a claim", run => KillWorkerBeforeAsync(run, Open)),
        new("kill -9 a worker before it finished", run => KillWorkerBeforeAsync(run, Done)),
        new(
            "kill -9 a worker when it had finished",
            async run =>
            {
                var (busy, other) = await StreamFromOneWorkerAsync(run, chunks: 20);
                var lost = busy.Redis.LoseReplyToAsync(Done);
                await lost.WaitAsync(FaultRun.Limit);
                run.Strikes();
                await busy.Process.KillAsync();
                other.Process.Resume();
            }
        ),
        new(
            "SIGSTOP a worker past its lease, then SIGCONT",
            async run =>
            {
                var (busy, other) = await StreamFromOneWorkerAsync(run);
                other.Process.Resume();
                run.Strikes();
                busy.Process.Stall();
                await run.UntilAsync(heard => heard.Attempt > 1 || heard.Done is not null); // On a busy machine some answers may have ended before.
                busy.Process.Resume();
            }
        ),
        new(
            "Redis restarted without its data",
            async run =>
            {
                await StreamAsync(run);
                run.Strikes();
                await run.Rig.Redis.KillServerAsync();
                await run.Rig.Redis.StartServerAsync();
            }
        ),
        new(
            "Redis restarted with older data",
            async run =>
            {
                await StreamAsync(run);
                await run.Rig.Redis.SaveAsync();
                await run.HeardAsync(chunks: 12);
                run.Strikes();
                await run.Rig.Redis.KillServerAsync();
                await run.Rig.Redis.StartServerAsync(keepData: true);
            },
            RedisKind.Redis
        ),
        new(
            "FLUSHALL mid-stream",
            async run =>
            {
                await StreamAsync(run);
                run.Strikes();
                await run.Rig.Redis.FlushAsync();
            }
        ),
        new(
            "Redis stands still for 10 s",
            async run =>
            {
                await StreamAsync(run);
                run.Strikes();
                run.Rig.Redis.Stall();
                await Task.Delay(TimeSpan.FromSeconds(10));
                run.Rig.Redis.Resume();
            }
        ),
        new(
            "Redis 100 ms away",
            async run =>
            {
                foreach (var node in run.Rig.Nodes)
                {
                    node.Redis.Delay = TimeSpan.FromMilliseconds(50);
                }
                run.Strikes();
                await StreamAsync(run);
            }
        ),
        new("a worker cut off after a chunk was written, before the reply", run => LoseWorkersReplyAsync(run, Chunk)),
        new("a worker cut off after it had finished, before the reply", run => LoseWorkersReplyAsync(run, Done)),
        new(
            "a worker cut off after it had opened an attempt, before the reply",
            async run =>
            {
                var lost = run.Rig.Workers.Select(worker => worker.Redis.LoseReplyToAsync(Open)).ToArray();
                await run.AskAllAsync(await run.JoinAllAsync(Clients), run.Streaming);
                await Task.WhenAny(lost).WaitAsync(FaultRun.Limit);
                run.Strikes();
            }
        ),
        new(
            "a worker cut off after a claim, before the reply",
            async run =>
            {
                foreach (var worker in run.Rig.Workers)
                {
                    worker.Process.Stall();
                }
                await run.AskAllAsync(await run.JoinAllAsync(Clients), run.Streaming);
                await run.QueuedAsync(Clients);
                var lease = $"{FaultRig.Lease.TotalMilliseconds}";
                var lost = run
                    .Rig.Workers[0]
                    .Redis.LoseReplyToAsync($"{RedisKeys.Tasks}\r\n$17\r\n{RedisKeys.Leases}\r\n${lease.Length}\r\n{lease}\r\n");
                run.Rig.Workers[0].Process.Resume();
                await lost.WaitAsync(FaultRun.Limit);
                run.Strikes();
                run.Rig.Workers[1].Process.Resume();
            }
        ),
        new("a gateway cut off after a dispatch, before the reply", run => LoseGatewaysReplyAsync(run, gateway => gateway.Redis, Dispatch)),
        new(
            "a gateway cut off from Redis mid-stream",
            async run =>
            {
                await StreamAsync(run);
                run.Strikes();
                run.Rig.Gateways[0].Redis.Refuses = true;
                run.Rig.Gateways[0].Redis.Cut();
                await Task.Delay(TimeSpan.FromSeconds(1));
                run.Rig.Gateways[0].Redis.Refuses = false;
            }
        ),
        new(
            "a gateway cut off until all was over elsewhere and lost in Redis",
            async run =>
            {
                run.LogMayBeLost = true;
                await StreamAsync(run);
                run.Rig.Gateways[0].Redis.Refuses = true;
                run.Rig.Gateways[0].Redis.Cut();
                await run.StoredAsync();
                await run.Rig.Redis.FlushAsync();
                run.Strikes();
                run.Rig.Gateways[0].Redis.Refuses = false;
            }
        ),
        new(
            "clients that leave while their gateway's connection to Redis is renewed",
            async run =>
            {
                var clients = await run.JoinAllAsync(100);
                foreach (var gateway in run.Rig.Gateways)
                {
                    gateway.Redis.Cut();
                }
                await Task.WhenAll(
                    clients.Select(
                        async (client, i) =>
                        {
                            await Task.Delay(i); // Milliseconds: one after another over the time that a renewal takes.
                            await client.DisposeAsync();
                        }
                    )
                );
            }
        ),
        new(
            "clients that come while their gateway is cut off from Redis",
            async run =>
            {
                var gateway = run.Rig.Gateways[0];
                gateway.Redis.Refuses = true;
                gateway.Redis.Cut();
                var clients = await run.JoinAllAsync(Clients, at: 0); // The other gateway takes them, when this one has refused them.
                gateway.Redis.Refuses = false;
                await gateway.Process.WaitUntilHealthyAsync();
                await run.AskAllAsync(clients, run.Streaming);
            }
        ),
        new(
            "the log lost under its readers",
            async run =>
            {
                await StreamAsync(run);
                run.Strikes();
                foreach (var (conversation, turn) in run.AskedTurns)
                {
                    await run.Rig.Redis.Database.KeyDeleteAsync([RedisKeys.Log(conversation, turn, 1), RedisKeys.Turn(conversation, turn)]);
                }
            }
        ),
        new(
            "Postgres restarted at done",
            async run =>
            {
                run.Streaming = "/stream tokens=90 rate=15 delay=0"; // On busy cores the server is gone seconds later: no answer may have ended.
                await StreamAsync(run);
                await run.Rig.Database.Server.KillServerAsync();
                await run.AnsweredAsync(Clients);
                run.Strikes();
                await run.Rig.Database.Server.StartServerAsync();
            }
        ),
        new(
            "a gateway cut off after the commit of a message, before the reply",
            run => LoseGatewaysReplyAsync(run, gateway => gateway.Postgres, "accept_turn")
        ),
        new(
            "a gateway cut off after the commit of an answer, before the reply",
            async run =>
            {
                await StreamAsync(run);
                var lost = run.Rig.Gateways.Select(gateway => gateway.Postgres.LoseReplyToAsync("finish_turn")).ToArray();
                await Task.WhenAny(Task.WhenAll(lost), run.StoredAsync()); // With a Celery queue, one gateway may end all turns.
                run.Strikes();
            }
        ),
        new(
            "a message sent to two replicas at once",
            async run =>
            {
                var left = await run.JoinAsync();
                var right = await run.JoinAsync(like: left, gateway: 1);
                await Task.WhenAll(run.AskAsync(left, run.Streaming, isShared: true), run.AskAsync(right, run.Streaming, isShared: true));
            }
        ),
        new(
            "cancel racing done",
            async run =>
            {
                run.MayBeCancelled = true;
                var clients = await run.JoinAllAsync(Clients);
                await run.AskAllAsync(clients, "/stream tokens=10 rate=50 delay=0");
                await run.HeardAsync(chunks: 9);
                await Task.WhenAll(clients.Select(client => client.CancelAsync("m")));
            }
        ),
        new(
            "a client that leaves after every third chunk",
            async run =>
            {
                foreach (var gateway in new[] { 0, 1 })
                {
                    await run.AskAsync(await run.JoinAsync(gateway: gateway, leavesAfterEvery: 3), run.Streaming);
                }
            }
        ),
        new(
            "two tabs that ask at once",
            async run =>
            {
                var left = await run.JoinAsync();
                var right = await run.JoinAsync(like: left, gateway: 1);
                await Task.WhenAll(run.AskAsync(left, $"{run.Streaming} left", "left"), run.AskAsync(right, $"{run.Streaming} right", "right"));
            }
        ),
        new(ComeBack, run => ComeBackAsync(run, tokens: 12, () => Task.CompletedTask)),
        new(
            "rolling restart of gateways and workers",
            async run =>
            {
                await run.AskAllAsync(await run.JoinAllAsync(Clients), "/stream tokens=80 rate=8 delay=0");
                await run.HeardAsync(chunks: 3);
                run.Strikes();
                foreach (var node in run.Rig.Nodes)
                {
                    await node.Process.TerminateAsync();
                    await node.StartAsync();
                }
            }
        ),
        new(RestartedInTurn, run => RestartInTurnAsync(run, asksWhileAWorkerStops: true)),
    ];

    /// <param name="run">The run.</param>
    /// <param name="tokens">Chunks of an answer, two a second.</param>
    /// <param name="mayDieAsync">Completes when the gateway may die.</param>
    internal static async Task ComeBackAsync(FaultRun run, int tokens, Func<Task> mayDieAsync)
    {
        var clients = await run.JoinAllAsync(300, at: 0);
        await run.AskAllAsync(clients, $"/stream tokens={tokens} rate=2 delay=0");
        await run.HeardAsync(chunks: 2);
        await mayDieAsync();
        run.Strikes();
        await run.Rig.Gateways[0].Process.KillAsync();
    }

    /// <summary>The load goes on: a quarter of the clients asks more while a gateway or a worker goes and comes back.</summary>
    /// <param name="run">The run.</param>
    /// <param name="asksWhileAWorkerStops">Or as soon as it has stopped.</param>
    internal static async Task RestartInTurnAsync(FaultRun run, bool asksWhileAWorkerStops)
    {
        var clients = await run.JoinAllByBalancerAsync(40);
        await run.AskAllAsync(clients, "/stream tokens=80 rate=8 delay=0");
        await run.HeardAsync(chunks: 3);
        run.Strikes();
        foreach (var (number, node) in run.Rig.Nodes.Index())
        {
            var stopping = node.Process.TerminateAsync();
            if (!asksWhileAWorkerStops && run.Rig.Workers.Contains(node))
            {
                await stopping;
            }

            await run.AskAllAsync(clients.Where((_, i) => i % 4 == number), $"/stream tokens=20 rate=10 delay=0 in round {number}", $"more {number}");
            await stopping;
            await node.StartAsync();
        }
    }

    /// <summary>All clients have had some chunks.</summary>
    internal static async Task StreamAsync(FaultRun run, int chunks = 5)
    {
        await run.AskAllAsync(await run.JoinAllAsync(Clients), run.Streaming);
        await run.HeardAsync(chunks);
    }

    /// <summary>Each gateway loses the reply to its first request of this kind, and the store has done it.</summary>
    internal static async Task LoseGatewaysReplyAsync(FaultRun run, Func<Node, TcpProxy> to, string request)
    {
        var clients = await run.JoinAllAsync(Clients);
        var lost = run.Rig.Gateways.Select(gateway => to(gateway).LoseReplyToAsync(request)).ToArray();
        await run.AskAllAsync(clients, run.Streaming);
        await Task.WhenAll(lost).WaitAsync(FaultRun.Limit);
        run.Strikes();
    }

    /// <summary>All clients have had some chunks, all from one worker; the other one stands still until it is resumed.</summary>
    private static async Task<(Node Busy, Node Other)> StreamFromOneWorkerAsync(FaultRun run, int chunks = 5)
    {
        var (busy, other) = (run.Rig.Workers[0], run.Rig.Workers[1]);
        other.Process.Stall();
        await StreamAsync(run, chunks);
        return (busy, other);
    }

    private static async Task KillWorkerBeforeAsync(FaultRun run, string request)
    {
        var (busy, other) = (run.Rig.Workers[0], run.Rig.Workers[1]);
        var clients = await run.JoinAllAsync(Clients);
        other.Process.Stall();
        var seen = busy.Redis.StallBeforeAsync(request);
        await run.AskAllAsync(clients, run.Streaming);
        await seen.WaitAsync(FaultRun.Limit);
        run.Strikes();
        await busy.Process.KillAsync();
        other.Process.Resume();
    }

    private static async Task LoseWorkersReplyAsync(FaultRun run, string request)
    {
        await StreamAsync(run);
        var lost = run.Rig.Workers.Select(worker => worker.Redis.LoseReplyToAsync(request)).ToArray();
        await Task.WhenAny(lost).WaitAsync(FaultRun.Limit);
        run.Strikes();
    }
}
