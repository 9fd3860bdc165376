using System.Collections.Concurrent;
using Konstruct.LocalServers.Processes;

namespace Konstruct.Tests.Harness;

/// <summary>A program that a test starts, with its output kept for the message of a failing test. It does not outlive the test run.</summary>
internal sealed class LoggedProcess : IAsyncDisposable
{
    private const int MaxLogLines = 10_000;
    private static readonly TimeSpan ExitLimit = TimeSpan.FromSeconds(30);

    private readonly ConcurrentQueue<string> _log = new();
    private readonly ChildProcess _process;
    private bool _isDisposed;

    /// <summary>Starts a program.</summary>
    /// <param name="name">What failure messages call it.</param>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="environment">Variables on top of the test run's own; null removes one.</param>
    /// <param name="prefix">A command that executes the program in its own place (no fork), put outside the parent-death signal.</param>
    public LoggedProcess(
        string name,
        IEnumerable<string> command,
        IReadOnlyDictionary<string, string?>? environment = null,
        IEnumerable<string>? prefix = null
    )
    {
        Name = name;
        _process = ChildProcess.Start(
            [.. prefix ?? [], .. ChildProcess.DieWithParent("KILL"), .. command],
            environment ?? new Dictionary<string, string?>(),
            Keep
        );
    }

    /// <summary>What failure messages call it.</summary>
    public string Name { get; }

    public int Id => _process.Id;

    /// <summary>The memory that it holds.</summary>
    public long ResidentBytes => _process.ResidentBytes;

    public bool HasExited => _process.Exited.IsCompleted;

    /// <summary>Null while it runs.</summary>
    public int? ExitCode => HasExited ? _process.Exited.Result : null;

    /// <summary>The latest lines of both output streams.</summary>
    public string Log => string.Join('\n', _log);

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
    public void Send(Signal signal)
    {
        if (!signal.TrySendTo(Id) && !HasExited)
        {
            throw new InvalidOperationException($"{signal} could not be sent to {Name}.");
        }
    }

    /// <summary>Sends a signal that ends it, and waits for the end.</summary>
    public async Task EndAsync(Signal signal, TimeSpan? within = null)
    {
        Send(signal);
        await _process.Exited.WaitAsync(within ?? ExitLimit);
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await EndAsync(Signal.Kill);
        _process.Dispose();
    }

    private void Keep(string line)
    {
        _log.Enqueue(line);
        if (_log.Count > MaxLogLines)
        {
            _log.TryDequeue(out _);
        }
    }
}
