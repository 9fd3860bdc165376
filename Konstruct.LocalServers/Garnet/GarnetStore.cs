using Garnet;
using Garnet.common;
using Konstruct.LocalServers.Processes;
using Microsoft.Extensions.Logging;

namespace Konstruct.LocalServers.Garnet;

/// <summary>Hosts Garnet in this process. It speaks the Redis protocol and keeps its data between runs.</summary>
internal sealed class GarnetStore(int port, DataFolder folder, string password) : ILocalServer
{
    private string[] Options =>
        [
            "-q",
            "--bind",
            "127.0.0.1",
            "--port",
            $"{port}",
            "--auth",
            "Password",
            "--password",
            password,
            // Each script must be atomic: without the transaction mode its keys are not locked while it runs.
            "--lua",
            "--lua-transaction-mode",
            // A subscriber that stops reading blocks publishers for this time, 60 s by default.
            "--network-send-timeout",
            "2",
            // Sizes for a laptop; the defaults reserve 16 GB. The page size limits the largest record.
            "--memory",
            "256m",
            "--page",
            "4m",
            "--segment",
            "64m",
            "--object-log-segment",
            "64m",
            "--index",
            "2m",
            "--aof-memory",
            "16m",
            "--aof-page-size",
            "8m",
            "--aof-segment-size",
            "64m",
            "--buffer-pool-memory-budget",
            "64m",
            "--network-buffer-memory-budget",
            "64m",
            "--expired-key-deletion-scan-freq",
            "60",
            // Every write is logged within 100 ms and replayed at the next start. A checkpoint truncates the log when it
            // has grown. The default device is a native one that cannot write checkpoints on every system.
            "--device-type",
            "RandomAccess",
            "--checkpointdir",
            folder.Path,
            "--recover",
            "--aof",
            "--aof-commit-freq",
            "100",
            "--aof-size-limit",
            "64m",
        ];

    public async Task<int> RunAsync(Action<string> say, CancellationToken stop)
    {
        say("starting Garnet");
        using var server = Start();
        say(ILocalServer.Ready(port));
        await stop.RequestedAsync();
        await server.Store.CommitAOFAsync(CancellationToken.None);
        return 0;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private GarnetServer Start()
    {
        try
        {
            var server = new GarnetServer(Options, LoggerFactory.Create(_ => { }));
            server.Start();
            return server;
        }
        catch (GarnetException problem)
        {
            throw new CannotServeException($"Garnet did not start: {problem.Message}", problem);
        }
    }
}
