using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Hosting;
using Konstruct.Gateway.Protocol;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Sockets;

/// <summary>
/// Drains the gateway on SIGTERM: turns readiness off, accepts nothing new, closes sockets in batches so that
/// clients do not reconnect all at once, and persists turns that are ending. Other turns continue without this
/// gateway. Their state is in the stores, so another gateway's sweep takes over.
/// </summary>
internal sealed partial class Drain(
    Stopping stopping,
    OpenSockets sockets,
    BackgroundTasks tasks,
    IOptions<ChatOptions> options,
    TimeProvider time,
    ILogger<Drain> logger
) : IHostedLifecycleService
{
    private const int Batches = 10;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        stopping.BeginDrain();
        using var limit = new CancellationTokenSource(options.Value.DrainLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        Log.Draining(logger, sockets.Count);
        try
        {
            await CloseSocketsAsync(either.Token);
            await tasks.WhenIdleAsync().WaitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            Log.TimeIsUp(logger, sockets.Count, tasks.Count);
        }

        stopping.Abandon();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Closing takes half of the time, in batches with jitter. The rest is for close handshakes and for persisting.</summary>
    private async Task CloseSocketsAsync(CancellationToken cancellationToken)
    {
        var all = sockets.All().ToArray();
        Random.Shared.Shuffle(all);
        var pause = options.Value.DrainLimit / 2 / Batches;
        foreach (var batch in all.Chunk(Math.Max(1, (all.Length + Batches - 1) / Batches)))
        {
            foreach (var socket in batch)
            {
                socket.Close(CloseCodes.Restarting, "The gateway is restarting");
            }

            await Task.Delay(pause * (0.5 + Random.Shared.NextDouble()), time, cancellationToken);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(20, LogLevel.Information, "Draining: {Sockets} sockets are being closed")]
        public static partial void Draining(ILogger logger, int sockets);

        [LoggerMessage(21, LogLevel.Warning, "The time to drain is up: {Sockets} sockets and {Tasks} tasks are abandoned")]
        public static partial void TimeIsUp(ILogger logger, int sockets, int tasks);
    }
}
