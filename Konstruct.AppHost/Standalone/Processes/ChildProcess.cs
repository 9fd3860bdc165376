using System.Diagnostics;

namespace Konstruct.AppHost.Standalone.Processes;

/// <summary>
/// A program of ours that ends when its standard input does: closing the pipe stops it politely, and the death of this process, also by
/// SIGKILL, closes it as well. Konstruct.LocalServers listens for that by itself, services do so by <see cref="global::StartupHook"/>.
/// </summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task<int> _exited;

    private ChildProcess(Process process)
    {
        _process = process;
        _exited = WaitAsync();
    }

    /// <summary>Completes with the exit code once all output has been read.</summary>
    public Task<int> Exited => _exited;

    /// <param name="start">The program; its three standard streams become pipes.</param>
    /// <param name="output">Takes each line, and whether it came from standard error.</param>
    public static ChildProcess Start(ProcessStartInfo start, Action<string, bool> output)
    {
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Forward(line.Data, false);
        process.ErrorDataReceived += (_, line) => Forward(line.Data, true);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new(process);

        void Forward(string? line, bool error)
        {
            if (line is not null)
                output(line, error);
        }
    }

    /// <summary>Asks the program to end, and kills it with all its children when it takes longer than it may.</summary>
    /// <returns>Whether it ended by itself.</returns>
    public async Task<bool> StopAsync(TimeSpan patience, CancellationToken kill)
    {
        _process.StandardInput.Close();
        try
        {
            await Exited.WaitAsync(patience, kill);
            return true;
        }
        catch (Exception late) when (late is TimeoutException or OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            await Exited;
            return false;
        }
    }

    private async Task<int> WaitAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    public void Dispose() => _process.Dispose();
}
