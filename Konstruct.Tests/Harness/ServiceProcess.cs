using System.Diagnostics;
using Konstruct.LocalServers.Processes;
using Konstruct.Tests.Harness.Balancer;

namespace Konstruct.Tests.Harness;

/// <summary>One of the application's web services as a process of its own: the gateway, its schema step, or the orchestrator stub.</summary>
internal sealed class ServiceProcess : IServer, IAsyncDisposable
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };

    private readonly LoggedProcess _process;

    private ServiceProcess(LoggedProcess process, int port) => (_process, Port) = (process, port);

    /// <summary>Where clients find it on the loopback address.</summary>
    public int Port { get; private set; }

    /// <summary>Its id, to the operating system.</summary>
    public int Id => _process.Id;

    /// <summary>What failure messages call it.</summary>
    public string Name => _process.Name;

    public bool HasEnded => _process.HasExited;

    /// <summary>The memory that it holds, in MB.</summary>
    public long ResidentMegabytes => _process.ResidentBytes / (1024 * 1024);

    /// <summary>Null while it runs.</summary>
    public int? ExitCode => _process.ExitCode;

    /// <summary>The latest lines of its output.</summary>
    public string Log => _process.Log;

    /// <summary>The CPU time that it has used, on all cores.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            using var process = Process.GetProcessById(_process.Id);
            return process.TotalProcessorTime;
        }
    }

    /// <param name="project">The project's name; it must be built.</param>
    /// <param name="arguments">For the program.</param>
    /// <param name="environment">Configuration, in the form of environment variables.</param>
    /// <param name="at">The port to serve on; null: a free one.</param>
    /// <param name="prefix">A command that executes the program in its own place, within limits.</param>
    public static async Task<ServiceProcess> StartAsync(
        string project,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string> environment,
        int? at = null,
        IEnumerable<string>? prefix = null
    )
    {
        var port = at ?? Loopback.FreePort();
        var all = new Dictionary<string, string?>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["ASPNETCORE_CONTENTROOT"] = Path.GetDirectoryName(BuiltPrograms.Command(project)[^1]),
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port}",
            // Whoever runs the tests may have a collector; the services under test must not export to it.
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = null,
            ["OTEL_SERVICE_NAME"] = project,
            ["Logging__Console__FormatterName"] = "simple",
            ["Logging__Console__FormatterOptions__SingleLine"] = "true",
            // The folder of its appsettings.json, as under dotnet run.
            ["DOTNET_CONTENTROOT"] = Path.Combine(BuiltPrograms.RepositoryRoot, project),
        };
        foreach (var (key, value) in environment)
        {
            all[key] = value;
        }

        return new(
            new LoggedProcess(string.Join(' ', [project, .. arguments]), [.. BuiltPrograms.Command(project), .. arguments], all, prefix),
            port
        );
    }

    /// <summary>Sends clients to a balancer that has this service among its targets.</summary>
    public void StandBehind(TcpBalancer balancer) => Port = balancer.Port;

    /// <summary>Waits for readiness; fails at once, with the log, when the process ends first.</summary>
    public Task WaitUntilHealthyAsync() => _process.WaitAsync(async () => await StatusAsync("/health") is 200);

    /// <summary>The status of a GET; null when nobody answers in time.</summary>
    public async Task<int?> StatusAsync(string path)
    {
        try
        {
            using var response = await Http.GetAsync(new Uri($"http://127.0.0.1:{Port}{path}"));
            return (int)response.StatusCode;
        }
        catch (Exception e) when (e is TaskCanceledException || BrokenConnection.Is(e))
        {
            return null;
        }
    }

    /// <summary>Ends it in order, as a deployment would.</summary>
    /// <param name="within">How long it may take.</param>
    public Task TerminateAsync(TimeSpan? within = null) => _process.EndAsync(Signal.Terminate, within);

    /// <summary>Ends it as a crash would.</summary>
    public Task KillAsync() => _process.EndAsync(Signal.Kill);

    /// <summary>Freezes it: its connections stay open and nothing answers.</summary>
    public void Stall() => _process.Send(Signal.Stop);

    public void Resume() => _process.Send(Signal.Continue);

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
