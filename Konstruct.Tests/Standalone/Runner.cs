using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Konstruct.Tests.Harness;
using Konstruct.Tests.LocalServers;

namespace Konstruct.Tests.Standalone;

/// <summary>The AppHost, built without Aspire, as a process of its own with its own state folder and ports.</summary>
internal sealed partial class Runner : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly Process _process;

    private Runner(string state, Process process) => (State, _process) = (state, process);

    /// <summary>The folder that it keeps everything in; every process of the run names it in its environment.</summary>
    public string State { get; }

    public int Id => _process.Id;

    public int ExitCode => _process.ExitCode;

    public string Output => string.Join('\n', _output);

    /// <summary>What it said on standard error, without the sentence on how it was built.</summary>
    public string Errors => string.Join('\n', _errors.Where(line => !line.Contains("is built", StringComparison.Ordinal)));

    /// <param name="state">Its state folder.</param>
    /// <param name="manifest">The manifest to run.</param>
    /// <param name="options">More options.</param>
    /// <param name="environment">Variables on top of the tests' own; null takes one away.</param>
    public static Runner Launch(string state, string manifest, string[] options, Dictionary<string, string?>? environment = null)
    {
        string[] arguments = [BuiltPrograms.Dll("Konstruct.AppHost"), "--state", state, "--manifest", manifest, .. options];

        // A script starts what it puts in the background with SIGINT ignored, and what that starts inherits it: here it is a terminal's.
        var start = OperatingSystem.IsLinux() ? new ProcessStartInfo("env", ["--default-signal=INT", "dotnet", .. arguments]) : new ProcessStartInfo("dotnet", arguments);
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        start.Environment["KONSTRUCT_TEST_RUN"] = state;
        foreach (var (name, value) in environment ?? [])
            start.Environment[name] = value;
        var runner = new Runner(state, new Process { StartInfo = start });
        runner._process.OutputDataReceived += (_, line) => Keep(runner._output, line.Data);
        runner._process.ErrorDataReceived += (_, line) => Keep(runner._errors, line.Data);
        runner._process.Start();
        runner._process.BeginOutputReadLine();
        runner._process.BeginErrorReadLine();
        return runner;

        static void Keep(ConcurrentQueue<string> queue, string? line)
        {
            if (line is not null)
                queue.Enqueue(line);
        }
    }

    /// <summary>Starts it and waits until everything is ready.</summary>
    public static async Task<Runner> StartAsync(string state, string manifest, params string[] options)
    {
        var runner = Launch(state, manifest, ["--port", "gateway=0", "--dashboard", "off", .. options]);
        await runner.WaitForLineAsync("Ctrl+C stops everything.");
        return runner;
    }

    /// <summary>Runs it to its own end.</summary>
    public static async Task<Runner> RunToEndAsync(string state, string manifest, string[] options, Dictionary<string, string?>? environment = null)
    {
        var runner = Launch(state, manifest, options, environment);
        await runner.EndAsync();
        return runner;
    }

    /// <summary>Waits for a line of output that contains the text; fails at once when the run ends first.</summary>
    public Task WaitForLineAsync(string text) => Until.TrueAsync(
        () => Task.FromResult(Output.Contains(text, StringComparison.Ordinal)
            || (_process.HasExited ? throw new InvalidOperationException($"It ended with code {ExitCode} before it said '{text}':\n{Output}\n{Errors}") : false)),
        LocalServer.Deadline, $"the AppHost says '{text}'");

    /// <summary>Where a resource listens, from the table on the console.</summary>
    public Uri AddressOf(string resource) => TableRow().Matches(Output)
        .Where(row => row.Groups[1].Value == resource)
        .Select(row => new Uri(row.Groups[2].Value))
        .Last();

    public void Signal(Signal signal) => Process.Start("kill", [$"-{signal.Number()}", $"{Id}"]).Dispose();

    /// <summary>Waits for its end.</summary>
    public Task EndAsync() => _process.WaitForExitAsync().WaitAsync(LocalServer.Deadline);

    /// <summary>Asks it to stop as Ctrl+C or a service manager would.</summary>
    public async Task StopAsync(Signal signal = Harness.Signal.Terminate)
    {
        Signal(signal);
        await EndAsync();
    }

    /// <summary>Waits until no process of the run is left.</summary>
    public Task NothingIsLeftAsync() => Until.TrueAsync(
        () => Task.FromResult(ProcessTable.Naming(State) is []), LocalServer.Deadline,
        $"nothing is left of {string.Join(", ", ProcessTable.Naming(State).Select(ProcessTable.Describe))}");

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await StopAsync();
        _process.Dispose();
    }

    [GeneratedRegex(@"^(\S+)\s+(?:running|starting)\s+(\S+://\S+)", RegexOptions.Multiline)]
    private static partial Regex TableRow();
}
