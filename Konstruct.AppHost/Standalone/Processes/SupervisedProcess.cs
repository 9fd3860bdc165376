using System.Diagnostics;
using Konstruct.AppHost.Standalone.Terminal;

namespace Konstruct.AppHost.Standalone.Processes;

/// <summary>Runs one process of the application from its start to its stop.</summary>
internal sealed class SupervisedProcess(ProcessPlan plan, RunLog log)
{
    private const string ReadySentence = "ready on ";

    private static readonly TimeSpan RestartDelay = TimeSpan.FromSeconds(1);

    /// <summary>Short of this nobody wonders yet; two slow cores take a while to start everything at once.</summary>
    private static readonly TimeSpan UsualStart = TimeSpan.FromSeconds(30);

    // A service logs each time that it is asked too early: often at first, for a quick start, then seldom.
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(0.5);

    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The first line it wrote to standard error: a local server's one sentence on why it cannot run.</summary>
    private string? _complaint;

    public ProcessPlan Plan => plan;

    /// <summary>Completes when it has been ready once.</summary>
    public Task Ready => _ready.Task;

    /// <summary>For people: waiting, starting, running, ended.</summary>
    public string State { get; private set; } = "waiting";

    public bool HasEnded => State is "ended";

    /// <summary>Runs until it is asked to stop, or has died and is not to be started again.</summary>
    /// <param name="patience">How long it may take to stop.</param>
    /// <param name="stop">Asks it to stop.</param>
    /// <param name="kill">Ends it at once.</param>
    /// <returns>Why it ended, or null where it was asked to.</returns>
    public async Task<string?> RunAsync(TimeSpan patience, CancellationToken stop, CancellationToken kill)
    {
        while (!stop.IsCancellationRequested)
        {
            State = "starting";
            using var child = ChildProcess.Start(StartInfo(), Take);
            using var watching = CancellationTokenSource.CreateLinkedTokenSource(stop);
            var health = WatchHealthAsync(watching.Token);
            await Task.WhenAny(child.Exited, stop.RequestedAsync());
            if (stop.IsCancellationRequested)
            {
                if (!await child.StopAsync(patience, kill))
                    log.Say($"{plan.Name} did not stop in time and was killed.");
                await health;
                State = "ended";
                return null;
            }

            await watching.CancelAsync();
            await health;
            var code = await child.Exited;
            if (plan.Role is not Role.Service)
            {
                State = "ended";
                return _complaint ?? $"{plan.Name} ended by itself with code {code}: {log.FileOf(plan.Name)} may say why.";
            }
            State = "restarting";
            log.Say($"{plan.Name} ended by itself with code {code}; it starts again in {RestartDelay.TotalSeconds:0} s.");
            await Cancellation.PauseAsync(RestartDelay, stop);
        }
        State = "ended";
        return null;
    }

    private ProcessStartInfo StartInfo()
    {
        var start = plan.Command();
        foreach (var (name, value) in plan.Environment())
            start.Environment[name] = value;
        return start;
    }

    private void Take(string line, bool isError)
    {
        var isServer = plan.Role is not Role.Service;
        if (isServer && isError)
            _complaint ??= line;
        var isReady = isServer && !isError && line.StartsWith(ReadySentence, StringComparison.Ordinal);
        // A server tells people how it gets on until it is ready; from then on its log is for looking things up.
        log.Pass(plan.Name, line, toConsole: !isServer || (!isError && !isReady && !Ready.IsCompleted));
        if (isReady)
            BeReady();
    }

    private void BeReady()
    {
        State = "running";
        _ready.TrySetResult();
    }

    private async Task WatchHealthAsync(CancellationToken stop)
    {
        if (plan.Health is null)
            return;
        var clock = Stopwatch.StartNew();
        var reported = false;
        var pause = FirstPause;
        while (!stop.IsCancellationRequested && !await HealthProbe.IsHealthyAsync(plan.Health, stop))
        {
            await Cancellation.PauseAsync(pause, stop);
            pause = pause < LongestPause ? pause * 1.5 : LongestPause;
            if (clock.Elapsed > UsualStart && !reported)
            {
                reported = true;
                log.Say($"{plan.Name} is not ready after {UsualStart.TotalSeconds:0} s: {log.FileOf(plan.Name)} says more.");
            }
        }
        if (!stop.IsCancellationRequested)
            BeReady();
    }
}
