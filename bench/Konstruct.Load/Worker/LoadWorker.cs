using System.Collections.Concurrent;
using System.Globalization;
using HdrHistogram;
using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Load.Measure;
using StackExchange.Redis;

namespace Konstruct.Load.Worker;

/// <summary>
/// A minimal, fast orchestrator: claims tasks and publishes what the stub would publish, when it is due, without a log, a model or
/// a fence. One thread paces all answers. At the end it reports its own delay and how many payloads had no listener.
/// </summary>
internal sealed class LoadWorker(IConnectionMultiplexer redis, Publisher publisher, WorkerOptions options) : IDisposable
{
    private const int MostInOneClaim = 512;

    /// <summary>Longer than any run, because nothing renews it.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(15);

    private readonly DispatchQueue _queue = new(redis);
    private readonly ResponseChannel _channels = new(options.Channel);
    private readonly ConcurrentQueue<Answer> _new = new();
    private readonly SemaphoreSlim _wake = new(1);
    private readonly LongHistogram _late = new(1, 60_000_000, 3);
    private long _published;

    public static async Task<int> RunAsync(WorkerOptions options, CancellationToken stop)
    {
        var configuration = ConfigurationOptions.Parse(options.Redis);
        if (configuration.Ssl || configuration.Password is not null)
        {
            throw new BadArgumentException("The worker's Redis must take connections without TLS and password.");
        }

        await using var redis = await ConnectionMultiplexer.ConnectAsync(configuration);
        using var publisher = await Publisher.ConnectAsync(redis.GetEndPoints()[0], stop);
        using var worker = new LoadWorker(redis, publisher, options);
        await worker.RunAsync(stop);
        return 0;
    }

    public void Dispose() => _wake.Dispose();

    private async Task RunAsync(CancellationToken stop)
    {
        await redis.GetSubscriber().SubscribeAsync(RedisKeys.Wake, (_, _) => Wake());
        Console.WriteLine("ready");
        var pacing = Task.Factory.StartNew(() => Pace(stop), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            while (true)
            {
                while (await ClaimAsync() > 0) { }

                await _wake.WaitAsync(TimeSpan.FromSeconds(1), stop);
                if (pacing.IsFaulted)
                {
                    await pacing; // Rethrows the error that stopped it.
                }
            }
        }
        catch (OperationCanceledException)
        {
            await pacing;
        }

        Console.WriteLine(
            _published == 0
                ? "published nothing"
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"published {_published}, late p50 {_late.GetValueAtPercentile(50) / 1000.0:F1} ms, p99 {_late.GetValueAtPercentile(99) / 1000.0:F1} ms"
                )
        );
    }

    private void Wake()
    {
        if (_wake.CurrentCount == 0)
        {
            _wake.Release();
        }
    }

    private async Task<int> ClaimAsync()
    {
        var claimed = await _queue.ClaimAsync(Lease, MostInOneClaim);
        foreach (var task in claimed)
        {
            _new.Enqueue(new(KonstructMessage.Parse(task.Payload.Span), task.Entry, _channels));
        }

        return claimed.Count;
    }

    /// <summary>Publishes due payloads in order, every millisecond.</summary>
    private void Pace(CancellationToken stop)
    {
        var (answers, over) = (new List<Answer>(), new List<Answer>());
        while (!stop.IsCancellationRequested)
        {
            while (_new.TryDequeue(out var answer))
            {
                answers.Add(answer);
            }

            var now = Clock.Now;
            foreach (var answer in answers)
            {
                while (answer.Next(now) is { } payload)
                {
                    publisher.Publish(answer.Command, payload);
                    _published++;
                    _late.RecordValue(Math.Clamp(answer.Late, 1, 60_000_000));
                    if (answer.IsOver)
                    {
                        over.Add(answer);
                    }
                }
            }

            publisher.Flush();
            if (over.Count > 0)
            {
                over.ForEach(answer => _ = answer.IsForGateway ? _queue.AnswerAsync(answer.Entry) : _queue.RemoveAsync(answer.Entry));
                over.Clear();
                answers.RemoveAll(answer => answer.IsOver);
            }

            Thread.Sleep(1);
        }
    }
}
