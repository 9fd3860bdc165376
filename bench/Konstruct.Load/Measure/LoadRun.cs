using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using Konstruct.Load.Client;

namespace Konstruct.Load.Measure;

/// <summary>One run: connects all conversations, starts them, shows progress, and reports.</summary>
internal static class LoadRun
{
    private const int ConnectingAtOnce = 64;

    public static async Task<int> RunAsync(LoadOptions options, CancellationToken cancel)
    {
        var tally = new Tally(options.Conversations);
        var all = Enumerable.Range(0, options.Conversations).Select(i => new Conversation(i, options, tally)).ToArray();
        var progress = new Progress(tally, options);
        await ConnectAsync(all, progress, cancel);

        await using var stores = await StoreMeter.ConnectAsync(options, tally);
        await stores.BeginAsync(cancel);
        CoreWatch[] cores = [.. options.Cores.Select(core => new CoreWatch(core, cancel))];
        var meter = new CpuMeter(options.Watched, tally);
        meter.Begin();
        var ownBegin = Environment.CpuUsage.TotalTime;
        var began = Stopwatch.GetTimestamp();
        var start = Clock.Now;
        var talking = Task.WhenAll(all.Select((one, i) => one.TalkAsync(start + (long)(options.Ramp.TotalMicroseconds * i / all.Length), cancel)));
        await WatchAsync(all, talking, options, meter, stores, progress, cancel);
        await talking;

        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var outcome = tally.ToOutcome(seconds) with
        {
            Dialect = options.Dialect.ToString(),
            Text = options.Text,
            Conversations = options.Conversations,
            Cpu = meter.End(),
            Stores = await stores.EndAsync(cancel),
            Cores = [.. cores.Select(core => core.End())],
            GeneratorShare = (Environment.CpuUsage.TotalTime - ownBegin).TotalSeconds / seconds,
            GeneratorCores = Environment.ProcessorCount,
        };
        await Task.WhenAll(all.Select(one => one.CloseAsync(cancel)));
        progress.End();
        Report.Print(outcome, Console.Out);
        if (options.Json is { } file)
        {
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(outcome, OutcomeJson.Default.Outcome), cancel);
        }

        return outcome.IsClean ? 0 : 1;
    }

    private static async Task ConnectAsync(Conversation[] all, Progress progress, CancellationToken cancel)
    {
        using var begun = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        try
        {
            var connecting = Parallel.ForEachAsync(
                all,
                new ParallelOptions { MaxDegreeOfParallelism = ConnectingAtOnce, CancellationToken = cancel },
                async (one, token) => await one.ConnectAsync(token)
            );
            while (await Task.WhenAny(connecting, timer.WaitForNextTickAsync(cancel).AsTask()) != connecting)
            {
                progress.Say();
            }

            await connecting;
        }
        catch (WebSocketException problem)
        {
            throw new BadArgumentException($"The server does not take the sockets: {problem.Message}");
        }
    }

    /// <summary>Checks every 50 ms who is streaming, prints progress once a second, and starts the storms.</summary>
    private static async Task WatchAsync(
        Conversation[] all,
        Task talking,
        LoadOptions options,
        CpuMeter meter,
        StoreMeter stores,
        Progress progress,
        CancellationToken cancel
    )
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var (said, storm) = (Clock.Now, Clock.Now);
        while (!talking.IsCompleted && await timer.WaitForNextTickAsync(cancel))
        {
            meter.Look();
            await stores.LookAsync();
            var now = Clock.Now;
            if (now - said >= 1_000_000)
            {
                said = now;
                progress.Say();
            }

            if (options.Storm > TimeSpan.Zero && now - storm >= options.Storm.TotalMicroseconds)
            {
                storm = now;
                foreach (var one in all)
                {
                    one.Break();
                }
            }
        }
    }
}
