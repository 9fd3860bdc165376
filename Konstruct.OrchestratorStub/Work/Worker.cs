using System.Collections.Concurrent;
using System.Text.Json;
using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.OrchestratorStub.Model;
using Konstruct.OrchestratorStub.Telemetry;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Konstruct.OrchestratorStub.Work;

/// <summary>Takes tasks off the queue: on a wake-up, and every second in case one was missed. As many turns at once as it may.</summary>
internal sealed partial class Worker(
    IConnectionMultiplexer redis, DispatchQueue queue, TurnAnswerer answerer, RunningTurns running, IOptions<DispatchOptions> options,
    IOptions<StubOptions> stub, OrchestratorMetrics metrics, TimeProvider time, ILogger<Worker> logger) : BackgroundService
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
        await ListenAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await ClaimAsync() > 0 && !stoppingToken.IsCancellationRequested)
                {
                }
            }
            catch (Exception exception) when (exception.IsRedisOutage())
            {
                Log.NotClaimed(logger, exception.Message);
            }

            await _wake.WaitAsync(_options.PollInterval, stoppingToken);
        }
    }

    private async Task ListenAsync(CancellationToken stoppingToken)
    {
        var subscriber = redis.GetSubscriber();
        await Patience.UntilKnownAsync(
            async () =>
            {
                await subscriber.SubscribeAsync(RedisKeys.Wake, (_, _) => Wake());
                await subscriber.SubscribeAsync(RedisKeys.Stop, (_, turnId) => OnStop(turnId));
                return true;
            },
            time,
            stoppingToken);
    }

    private void OnStop(RedisValue turnId)
    {
        if (Guid.TryParse((string?)turnId, out var id))
        {
            running.StopTurn(id, StopReason.Ended);
        }
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
                Wake(); // There is room for another.
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private async Task AnswerAsync(ClaimedTask claimed)
    {
        await Task.Yield(); // The next one is claimed meanwhile.
        try
        {
            var message = KonstructMessage.Parse(claimed.Entry, claimed.Payload.Span);
            OrchestratorTelemetry.Claimed(message, claimed);
            metrics.Claimed(claimed.Waited);
            using var turn = new RunningTurn(claimed.Entry, message.TurnId);
            running.Add(turn);
            try
            {
                await answerer.AnswerAsync(message, turn);
            }
            finally
            {
                running.Remove(turn);
            }
        }
        catch (JsonException exception)
        {
            Log.NoTask(logger, claimed.Entry, exception.Message);
        }
#pragma warning disable CA1031 // The end of the line for one turn: a bug in it must not end the others. Its lease runs out, and it is tried again.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.Failed(logger, claimed.Entry, exception);
        }
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
            // Somebody was faster.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(510, LogLevel.Warning, "The queue could not be read, trying again: {Reason}")]
        public static partial void NotClaimed(ILogger logger, string reason);

        [LoggerMessage(511, LogLevel.Error, "The entry {Entry} holds no task that can be read: {Reason}")]
        public static partial void NoTask(ILogger logger, string entry, string reason);

        [LoggerMessage(512, LogLevel.Error, "The attempt {Entry} failed unexpectedly; it is tried again when its lease has run out")]
        public static partial void Failed(ILogger logger, string entry, Exception exception);

        [LoggerMessage(513, LogLevel.Information, "Stopping: {Turns} turns are given back to the queue")]
        public static partial void GivingBack(ILogger logger, int turns);
    }
}
