using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Konstruct.LocalServers.Processes;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.LocalServers;

/// <summary>Konstruct.LocalServers as a process of its own, on a free port.</summary>
internal sealed class LocalServer : IAsyncDisposable
{
    public const string Password = "a secret of the tests";

    /// <summary>Two slow cores, shared by everything else that runs.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentQueue<string> _output = new();
    private readonly Process _process;

    private LocalServer(Process process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    public int ExitCode => _process.ExitCode;

    public string Output => string.Join('\n', _output);

    /// <summary>Starts a server and waits until it takes connections.</summary>
    public static async Task<LocalServer> StartAsync(string kind, string data, Dictionary<string, string?>? environment = null)
    {
        var server = Launch([kind, "--port", $"{Loopback.FreePort()}", "--data", data, "--packages", BuiltPrograms.Packages], environment);
        await Task.WhenAny(server._ready.Task, server._process.WaitForExitAsync()).WaitAsync(Deadline);
        Assert.True(server._ready.Task.IsCompleted, $"The {kind} server ended before it was ready:\n{server.Output}");
        return server;
    }

    /// <summary>Starts the program and waits until it has ended by itself.</summary>
    public static async Task<LocalServer> RunToEndAsync(string[] arguments, Dictionary<string, string?>? environment = null)
    {
        var server = Launch(arguments, environment);
        await server._process.WaitForExitAsync().WaitAsync(Deadline);
        return server;
    }

    /// <summary>Sends SIGTERM, as the AppHost does, and waits for the end.</summary>
    public async Task StopAsync()
    {
        Assert.True(Signal.Terminate.TrySendTo(_process.Id));
        await _process.WaitForExitAsync().WaitAsync(Deadline);
    }

    /// <summary>SIGKILL to this process alone.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(Deadline);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await StopAsync();
        }

        _process.Dispose();
    }

    private static LocalServer Launch(string[] arguments, Dictionary<string, string?>? environment)
    {
        var start = new ProcessStartInfo("dotnet", [BuiltPrograms.Dll("Konstruct.LocalServers"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["KONSTRUCT_REDIS_PASSWORD"] = Password;
        start.Environment["KONSTRUCT_POSTGRES_PASSWORD"] = Password;
        foreach (var (name, value) in environment ?? [])
        {
            start.Environment[name] = value;
        }

        // 0 where the port is missing or wrong, which some tests want.
        _ = int.TryParse(arguments.SkipWhile(argument => argument != "--port").ElementAtOrDefault(1), CultureInfo.InvariantCulture, out var port);
        var server = new LocalServer(new Process { StartInfo = start }, port);
        server._process.OutputDataReceived += (_, line) => server.Take(line.Data);
        server._process.ErrorDataReceived += (_, line) => server.Take(line.Data);
        server._process.Start();
        server._process.BeginOutputReadLine();
        server._process.BeginErrorReadLine();
        return server;
    }

    private void Take(string? line)
    {
        if (line is null)
        {
            return;
        }

        _output.Enqueue(line);
        if (line == $"ready on 127.0.0.1:{Port}")
        {
            _ready.TrySetResult();
        }
    }
}
