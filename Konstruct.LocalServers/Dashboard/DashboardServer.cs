using System.Net.Sockets;
using System.Runtime.InteropServices;
using Konstruct.LocalServers.Npm;
using Konstruct.LocalServers.Processes;

namespace Konstruct.LocalServers.Dashboard;

/// <summary>The Aspire dashboard, as the Aspire CLI brings it: one on PATH, or else the one from npm.</summary>
internal sealed class DashboardServer(int port, int otlpPort, DataFolder folder, string packages) : ILocalServer
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(4);

    private ChildProcess? _server;

    public async Task<int> RunAsync(Action<string> say, CancellationToken stop)
    {
        var environment = Environment.GetEnvironmentVariables().Keys.Cast<string>().Where(DecidesForTheDashboard).ToDictionary(name => name, _ => (string?)null);
        environment["ASPIRE_CLI_TELEMETRY_OPTOUT"] = environment["NO_COLOR"] = "1";
        var aspire = Executables.Find("aspire") ?? await FetchAsync(environment, say, stop);
        say("starting the Aspire dashboard");
        var log = new LastLines();
        _server = ChildProcess.Start(
            [.. ChildProcess.DieWithParent("TERM"), aspire, "dashboard", "run", "--nologo", "--non-interactive", "--allow-anonymous",
                "--frontend-url", $"http://localhost:{port}", "--otlp-grpc-url", $"http://localhost:{otlpPort}",
                // A port of the system's choice: nobody here speaks OTLP over HTTP, and a fixed one would be one more to be taken.
                "--otlp-http-url", "http://127.0.0.1:0"],
            environment, log.Add);

        var stopped = stop.RequestedAsync();
        if (await Task.WhenAny(WaitForPortAsync(stop), _server.Exited, stopped) != _server.Exited && !stop.IsCancellationRequested)
        {
            say(ILocalServer.Ready(port));
            await Task.WhenAny(_server.Exited, stopped);
        }
        if (!stop.IsCancellationRequested)
            throw new CannotServeException($"the Aspire dashboard ended with code {await _server.Exited}: {log}");
        await _server.StopAsync(Native.Terminate, StopPatience);
        return 0;
    }

    /// <summary>Variables that win over the options here, such as those of the AppHost's launch profile, which mean Aspire's own dashboard.</summary>
    private static bool DecidesForTheDashboard(string variable) =>
        variable is "ASPNETCORE_URLS" || variable.StartsWith("ASPIRE_", StringComparison.Ordinal) || variable.StartsWith("DASHBOARD__", StringComparison.OrdinalIgnoreCase);

    private async Task<string> FetchAsync(Dictionary<string, string?> environment, Action<string> say, CancellationToken stop)
    {
        var package = $"@microsoft/aspire-cli-{RuntimeInformation.RuntimeIdentifier}";
        if (package is not "@microsoft/aspire-cli-linux-x64")
            throw new CannotServeException("No dashboard: there is no `aspire` on PATH, and npm has one for linux-x64 only; see https://aspire.dev for the Aspire CLI.");
        var npm = new NpmPackage("dashboard", packages);
        try
        {
            if (npm.Find(package) is not { } found)
            {
                say("fetching the Aspire dashboard with npm (60 MB, once)");
                found = await npm.FetchAsync(package, stop);
            }
            // It unpacks itself into the home folder; ours, so that nothing is left elsewhere.
            environment["HOME"] = folder.Path;
            return Path.Combine(found, "bin", "aspire");
        }
        catch (CannotServeException problem)
        {
            throw new CannotServeException(
                $"No dashboard: there is no `aspire` on PATH, and {problem.Message}. Install the Aspire CLI (https://aspire.dev) to have one.", problem);
        }
    }

    private async Task WaitForPortAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            using var probe = new TcpClient();
            try
            {
                await probe.ConnectAsync("localhost", port, stop);
                return;
            }
            catch (SocketException)
            {
                // Not listening yet.
                await Cancellation.PauseAsync(TimeSpan.FromMilliseconds(50), stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is null)
            return;
        await _server.StopAsync(Native.Terminate, TimeSpan.FromSeconds(1));
        _server.Dispose();
    }
}
