using Garnet;
using Garnet.common;
using Konstruct.LocalServers.Processes;
using Microsoft.Extensions.Logging;

namespace Konstruct.LocalServers.Garnet;

/// <summary>Garnet, hosted in this process: speaks the Redis protocol and keeps its data between runs.</summary>
internal sealed class GarnetStore(int port, DataFolder folder, string password) : ILocalServer
{
    public async Task<int> RunAsync(Action<string> say, CancellationToken stop)
    {
        say("starting Garnet");
        using var server = Start();
        say(ILocalServer.Ready(port));
        await stop.RequestedAsync();
        await server.Store.CommitAOFAsync(CancellationToken.None);
        return 0;
    }

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

    private string[] Options =>
    [
        "-q",
        "--bind", "127.0.0.1", "--port", $"{port}",
        "--auth", "Password", "--password", password,
        // Scripts, each one atomic: without the transaction mode the keys of a script are not locked while it runs.
        "--lua", "--lua-transaction-mode",
        // A subscriber that stopped reading would stall whoever publishes to it, 60 s by default.
        "--network-send-timeout", "2",
        // Sizes of a laptop; the defaults reserve 16 GB. The page of the log bounds the largest record.
        "--memory", "256m", "--page", "4m", "--segment", "64m", "--object-log-segment", "64m", "--index", "2m",
        "--aof-memory", "16m", "--aof-page-size", "8m", "--aof-segment-size", "64m",
        "--buffer-pool-memory-budget", "64m", "--network-buffer-memory-budget", "64m",
        "--expired-key-deletion-scan-freq", "60",
        // Everything is logged within 100 ms and replayed at the next start; a checkpoint cuts the log when it has grown.
        // The device by default is a native one that cannot write checkpoints everywhere.
        "--device-type", "RandomAccess", "--checkpointdir", folder.Path, "--recover",
        "--aof", "--aof-commit-freq", "100", "--aof-size-limit", "64m",
    ];

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
