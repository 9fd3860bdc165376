using System.Collections.Concurrent;
using System.Diagnostics;

namespace Konstruct.Tests.Harness;

/// <summary>
/// A program that a test starts, with its output kept for the message of a failing test. It does not outlive the test run: on Linux
/// the kernel ends it when the run is killed.
/// </summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private const int MaxLogLines = 10_000;
    private static readonly TimeSpan ExitLimit = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _log;
    private bool _isDisposed;

    private ChildProcess(string name, Process process, ConcurrentQueue<string> log) => (Name, _process, _log) = (name, process, log);

    /// <summary>What failure messages call it.</summary>
    public string Name { get; }

    public int Id => _process.Id;

    /// <summary>The memory that it holds.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    public bool HasExited => _process.HasExited;

    /// <summary>Null while it runs.</summary>
    public int? ExitCode => _process.HasExited ? _process.ExitCode : null;

    /// <summary>The latest lines of both output streams.</summary>
    public string Log => string.Join('\n', _log);

    /// <param name="name">What failure messages call it.</param>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="environment">Variables on top of the test run's own; null removes one.</param>
    /// <param name="prefix">A command that executes the program in its own place (no fork), put outside the parent-death signal.</param>
    public static Task<ChildProcess> StartAsync(
        string name,
        IEnumerable<string> command,
        IReadOnlyDictionary<string, string?>? environment = null,
        IEnumerable<string>? prefix = null
    )
    {
        string[] guarded = OperatingSystem.IsLinux() ? ["setpriv", "--pdeathsig=KILL", .. command] : [.. command];
        string[] all = [.. prefix ?? [], .. guarded];
        var start = new ProcessStartInfo(all[0], all[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (key, value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[key] = value;
        }

        return ParentThread.RunAsync(() =>
        {
            var log = new ConcurrentQueue<string>();
            var process = new Process { StartInfo = start };
            process.OutputDataReceived += (_, line) => Keep(log, line.Data);
            process.ErrorDataReceived += (_, line) => Keep(log, line.Data);
            process.Start();
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            return new ChildProcess(name, process, log);
        });
    }

    /// <summary>Waits until a line of its output contains the text; fails at once when the process ends first.</summary>
    public Task WaitForLogAsync(string text) => WaitAsync(() => Task.FromResult(_log.Any(line => line.Contains(text, StringComparison.Ordinal))));

    /// <summary>Waits for the condition; fails, with the log, at once when the process ends first.</summary>
    public async Task WaitAsync(Func<Task<bool>> condition)
    {
        try
        {
            await Until.TrueAsync(
                async () => await condition() || (HasExited ? throw new InvalidOperationException($"{Name} ended with code {ExitCode}.") : false),
                TimeSpan.FromSeconds(60)
            );
        }
        catch (Exception e) when (e is TimeoutException or InvalidOperationException)
        {
            throw new InvalidOperationException($"{Name} did not become ready: {e.Message}\n{Log}", e);
        }
    }

    /// <summary>Sends a signal and returns at once.</summary>
    public void Signal(Signal signal)
    {
        if (!HasExited)
        {
            signal.SendTo(Id);
        }
    }

    /// <summary>Sends a signal that ends it, and waits for the end.</summary>
    public async Task EndAsync(Signal signal, TimeSpan? within = null)
    {
        Signal(signal);
        await _process.WaitForExitAsync().WaitAsync(within ?? ExitLimit);
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await EndAsync(Harness.Signal.Kill);
        _process.Dispose();
    }

    private static void Keep(ConcurrentQueue<string> log, string? line)
    {
        if (line is null)
        {
            return;
        }

        log.Enqueue(line);
        if (log.Count > MaxLogLines)
        {
            log.TryDequeue(out _);
        }
    }

    /// <summary>
    /// The one thread that starts every child. The kernel sends the parent-death signal when the thread that forked ends, not when
    /// the process does, and threads of the pool come and go.
    /// </summary>
    private static class ParentThread
    {
        private static readonly BlockingCollection<Action> Work = [];

        static ParentThread() =>
            new Thread(static () =>
            {
                foreach (var start in Work.GetConsumingEnumerable())
                {
                    start();
                }
            })
            {
                IsBackground = true,
                Name = "Parent of child processes",
            }.Start();

        public static Task<T> RunAsync<T>(Func<T> start)
        {
            var task = new Task<T>(start);
            Work.Add(() => task.RunSynchronously());
            return task;
        }
    }
}
