using System.Collections.Concurrent;
using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.OrchestratorStub.Model;
using Konstruct.OrchestratorStub.Telemetry;
using Konstruct.ServiceDefaults.Loops;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Konstruct.OrchestratorStub.Work;

/// <summary>Claims tasks on a wake-up, and every second in case one was missed. Runs as many turns at once as allowed.</summary>
internal sealed partial class Worker(
    IConnectionMultiplexer redis,
    DispatchQueue queue,
    TurnAnswerer answerer,
    RunningTurns running,
    IOptions<DispatchOptions> options,
    IOptions<StubOptions> stub,
    Readiness readiness,
    OrchestratorMetrics metrics,
    DeadLetters dead,
    Failures failures,
    Persistence persistence,
    TimeProvider time,
    ILogger<Worker> logger
) : BackgroundService
{
    private const int MostInOneClaim = 64;

    private readonly DispatchOptions _options = options.Value;
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly ConcurrentDictionary<Task, bool> _answering = new();

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        var all = Task.WhenAll(_answering.Keys);
        try
        {
            await all.WaitAsync(_options.DrainLimit, time, cancellationToken);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            Log.GivingBack(logger, running.Count);
            running.StopAll(StopReason.GivenBack);
            await all.WaitAsync(cancellationToken);
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _wake.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await readiness.WhenStarted.WaitAsync(stoppingToken);
        var (first, longest) = (_options.PollInterval / 2, 5 * _options.PollInterval);
        await persistence.Of("subscribing to wake-ups", first, longest).ExecuteAsync(async _ => await ListenAsync(), stoppingToken);
        var claiming = persistence.Of("claiming tasks", first, longest);
        while (!stoppingToken.IsCancellationRequested)
        {
            await claiming.ExecuteAsync(async cancellation => await ClaimAllAsync(cancellation), stoppingToken);
            await _wake.WaitAsync(_options.PollInterval, stoppingToken);
        }
    }

    private async Task ListenAsync()
    {
        var subscriber = redis.GetSubscriber();
        await subscriber.SubscribeAsync(RedisKeys.Wake, (_, _) => Wake());
        await subscriber.SubscribeAsync(RedisKeys.Stop, (_, turnId) => failures.Try("stopping a turn that has ended", () => OnStop(turnId)));
    }

    private void OnStop(RedisValue turnId)
    {
        if (Guid.TryParse((string?)turnId, out var id))
        {
            running.StopTurn(id, StopReason.Ended);
        }
    }

    private async Task ClaimAllAsync(CancellationToken stoppingToken)
    {
        while (await ClaimAsync() > 0 && !stoppingToken.IsCancellationRequested) { }
    }

    private async Task<int> ClaimAsync()
    {
        var free = Math.Min(stub.Value.Concurrency - _answering.Count, MostInOneClaim);
        if (free <= 0)
        {
            return 0;
        }

        var claimed = await queue.ClaimAsync(_options.Lease, free);
        foreach (var task in claimed)
        {
            Begin(task);
        }

        return claimed.Count;
    }

    private void Begin(ClaimedTask claimed)
    {
        var answering = AnswerAsync(claimed);
        _answering[answering] = true;
        answering.ContinueWith(
            done =>
            {
                _answering.TryRemove(done, out _);
                Wake(); // A slot is free.
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default
        );
    }

    private async Task AnswerAsync(ClaimedTask claimed)
    {
        await Task.Yield(); // So that the next task can begin.
        await failures.TryAsync(
            "answering a turn",
            async () =>
            {
                if (TaskReading.TryRead(claimed.Entry, claimed.Payload.Span, out var message) is { } unreadable)
                {
                    await dead.BuryAsync(claimed.Entry, claimed.Payload, unreadable);
                    return;
                }

                OrchestratorTelemetry.Claimed(message, claimed);
                metrics.Claimed(claimed.Waited);
                using var turn = new RunningTurn(claimed.Entry, message.TurnId);
                running.Add(turn);
                try
                {
                    await answerer.AnswerAsync(message, turn); // If it fails, the lease expires, and another attempt is made.
                }
                finally
                {
                    running.Remove(turn);
                }
            }
        );
    }

    private void Wake()
    {
        if (_wake.CurrentCount > 0)
        {
            return;
        }

        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // Another thread released it first.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(513, LogLevel.Information, "Stopping: {Turns} turns are given back to the queue")]
        public static partial void GivingBack(ILogger logger, int turns);
    }
}
