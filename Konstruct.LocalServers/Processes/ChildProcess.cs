using System.Diagnostics;

namespace Konstruct.LocalServers.Processes;

/// <summary>
/// An external program that must not outlive this process. On Linux the kernel stops it when this process dies in any way. Elsewhere
/// this process stops it, and only SIGKILL of this process leaves it running; the next start then finds and stops it.
/// </summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;
    private readonly TaskCompletionSource<int> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ChildProcess(Process process) => _process = process;

    /// <summary>Completes with the exit code once the program has ended and all its output has been read.</summary>
    public Task<int> Exited => _exited.Task;

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

    /// <summary>Starts a program.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="environment">Variables to add or, with a null value, to remove.</param>
    /// <param name="output">Receives each line of standard output and standard error.</param>
    /// <param name="input">Content of standard input.</param>
    public static ChildProcess Start(
        IReadOnlyList<string> command,
        IReadOnlyDictionary<string, string?> environment,
        Action<string> output,
        string input = ""
    )
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var child = new ChildProcess(new Process { StartInfo = start });
        child._process.OutputDataReceived += (_, line) => Forward(line.Data);
        child._process.ErrorDataReceived += (_, line) => Forward(line.Data);
        var started = new TaskCompletionSource();
        // The kernel's parent-death signal is tied to the thread that forked, not to the process, so that thread must stay alive.
        new Thread(() => child.RunToEnd(started, input)) { IsBackground = true, Name = $"parent of {Path.GetFileName(command[0])}" }.Start();
        started.Task.GetAwaiter().GetResult();
        return child;

        void Forward(string? line)
        {
            if (line is { Length: > 0 })
            {
                output(line);
            }
        }
    }

    /// <summary>Prefixes a command so that the kernel sends the signal when this process dies. Linux with util-linux only; empty elsewhere.</summary>
    public static IEnumerable<string> DieWithParent(string signal) =>
        OperatingSystem.IsLinux() && Executables.Find("setpriv") is { } setpriv ? [setpriv, $"--pdeathsig={signal}", "--"] : [];

    /// <summary>Sends a signal and waits; then kills the program with all its children.</summary>
    /// <param name="signal">The signal for an orderly stop; ignored on Windows, which has none.</param>
    /// <param name="limit">Time to wait before killing.</param>
    public async Task StopAsync(Signal signal, TimeSpan limit)
    {
        if (Exited.IsCompleted)
        {
            return;
        }

        if (signal.TrySendTo(Id))
        {
            await Task.WhenAny(Exited, Task.Delay(limit));
        }

        if (!Exited.IsCompleted)
        {
            _process.Kill(entireProcessTree: true);
        }

        await Exited;
    }

    public void Dispose() => _process.Dispose();

    private void RunToEnd(TaskCompletionSource started, string input)
    {
        try
        {
            _process.Start();
        }
        catch (System.ComponentModel.Win32Exception problem)
        {
            started.SetException(new CannotServeException($"{_process.StartInfo.FileName} cannot be run: {problem.Message}", problem));
            return;
        }
        _process.StandardInput.Write(input);
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        started.SetResult();
        _process.WaitForExit();
        _exited.SetResult(_process.ExitCode);
    }
}
