using Konstruct.LocalServers.Processes;
using Konstruct.Tests.Harness;
using Konstruct.Tests.LocalServers;

namespace Konstruct.Tests.Aspire;

/// <summary>The AppHost as a process, as <c>dotnet run</c> starts it, on free ports.</summary>
internal sealed class AppHostProcess : IAsyncDisposable
{
    private readonly LoggedProcess _process;

    private AppHostProcess(LoggedProcess process, string mark) => (_process, Mark) = (process, mark);

    /// <summary>Stands in the environment of the process and of every process that it starts.</summary>
    public string Mark { get; }

    public string Output => _process.Log;

    /// <summary>What it has started and still runs, itself included.</summary>
    public int[] Processes => ProcessTable.Naming(Mark);

    public static AppHostProcess Start(params string[] arguments) => Start(new Dictionary<string, string?>(), arguments);

    /// <param name="environment">Variables on top of those of the launch profile.</param>
    /// <param name="arguments">Of the AppHost.</param>
    public static AppHostProcess Start(IReadOnlyDictionary<string, string?> environment, params string[] arguments)
    {
        var mark = $"konstruct-{Guid.NewGuid():N}";
        var all = new Dictionary<string, string?>
        {
            ["DOTNET_ENVIRONMENT"] = "Development",
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true",
            ["ASPIRE_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS"] = "true",
            ["ASPNETCORE_URLS"] = $"http://localhost:{Loopback.FreePort()}",
            ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = $"http://localhost:{Loopback.FreePort()}",
            ["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] = $"http://localhost:{Loopback.FreePort()}",
            ["Port"] = $"{Loopback.FreePort()}",
            ["KONSTRUCT_TEST_RUN"] = mark,
        };
        foreach (var (name, value) in environment)
        {
            all[name] = value;
        }
        // The tests ignore no signal, whatever started them: a shell's background job would hand "SIGINT is ignored" down to its children.
        string[] command = ["dotnet", BuiltPrograms.Dll("Konstruct.AppHost"), .. arguments];
        return new(new LoggedProcess("AppHost", command, all, prefix: ["env", "--default-signal=INT"]), mark);
    }

    /// <summary>Waits for the line that says where the application is.</summary>
    public Task WaitUntilReadyAsync() => _process.WaitForLogAsync("Ready in ");

    /// <summary>Waits until it has ended by itself.</summary>
    public async Task<int> ExitCodeAsync()
    {
        await Until.TrueAsync(() => Task.FromResult(_process.HasExited), TimeSpan.FromMinutes(2));
        return _process.ExitCode!.Value;
    }

    public void Signal(Signal signal) => _process.Send(signal);

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        await Until.TrueAsync(() => Task.FromResult(Processes is []));
    }
}
