using System.Diagnostics;
using Konstruct.AppHost.Standalone.Manifests;
using Konstruct.AppHost.Standalone.Parameters;
using Konstruct.AppHost.Standalone.Processes;
using Konstruct.AppHost.Standalone.Terminal;

namespace Konstruct.AppHost.Standalone;

/// <summary>Everything the manifest runs: started in the order of its references, stopped services first, within five seconds.</summary>
internal sealed class Application(Manifest manifest, RunnerOptions options, StateFolder state, RunLog log) : IDisposable
{
    private static readonly TimeSpan ServicePatience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ServerPatience = TimeSpan.FromSeconds(1.5);

    /// <summary>Where the dashboard takes telemetry by default, as OpenTelemetry's tools know it.</summary>
    private const int OtlpPort = 4317;

    private readonly CancellationTokenSource _stopServices = new();
    private readonly CancellationTokenSource _stopServers = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    private List<SupervisedProcess> _processes = [];

    /// <summary>Runs until a signal asks for the end.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="CannotRunException">It could not be started, or a store died; everything has been stopped.</exception>
    public async Task<int> RunAsync(StopSignals signals)
    {
        var projects = await PlanAsync(signals.Stop);
        EnsurePortsAreFree();

        using var failed = CancellationTokenSource.CreateLinkedTokenSource(signals.Stop);
        var runs = _processes.ConvertAll(process => SuperviseAsync(process, failed, signals.Kill));
        var announcement = AnnounceDashboardAsync(failed.Token);
        var ready = Task.WhenAll(_processes.Where(process => process.Plan.Role is not Role.Dashboard).Select(process => process.Ready));
        await Task.WhenAny(ready, failed.Token.RequestedAsync());
        if (!failed.IsCancellationRequested)
        {
            using var run = RunFile.Write(state, projects.Environments(options.Replicas));
            Show();
            await failed.Token.RequestedAsync();
        }
        await announcement;
        await StopAsync(runs);
        var reason = (await Task.WhenAll(runs)).FirstOrDefault(complaint => complaint is not null);
        return reason is null ? 0 : throw new CannotRunException(reason);
    }

    private async Task<ProjectPlans> PlanAsync(CancellationToken stop)
    {
        var services = manifest.Resources.Where(resource => resource.Value.IsProject).Select(resource => resource.Key);
        foreach (var name in options.Without.Except(services.SelectMany(service => manifest.InstancesOf(service, options.Replicas).Append(service))))
            throw new CannotRunException($"There is no service '{name}' to leave out.");
        var ports = PortPlan.Make(manifest, options.Ports, options.Replicas);
        var parameters = new ParameterValues(state.Parameters, options.Parameters, Environment.GetEnvironmentVariable);
        var resolver = new Resolver(manifest, ports, parameters);
        var output = new ProjectOutput(log.Say);
        var servers = new LocalServerPlans(
            await output.AssemblyAsync(Path.Combine(ProjectOutput.SolutionFolder, "Konstruct.LocalServers", "Konstruct.LocalServers.csproj"), stop), state);
        var otlpPort = PortPlan.IsFree(OtlpPort) ? OtlpPort : PortPlan.FreePort();
        var projects = new ProjectPlans(manifest, ports, resolver,
            () => _processes.Any(process => process.Plan.Role is Role.Dashboard && !process.HasEnded) ? $"http://localhost:{otlpPort}" : null)
        {
            DashboardUrl = options.Dashboard is { } shown ? $"http://localhost:{shown}" : null,
        };

        foreach (var (name, resource) in manifest.Resources.Where(resource => resource.Value.IsProcess && !options.Without.Contains(resource.Key)))
        {
            if (resource.IsContainer)
            {
                Add(servers.For(name, resource, manifest, ports, resolver));
                continue;
            }
            var assembly = await output.AssemblyAsync(Path.GetFullPath(Path.Combine(manifest.Folder, resource.Path!)), stop);
            var instances = manifest.InstancesOf(name, options.Replicas);
            foreach (var instance in instances.Where(instance => !options.Without.Contains(instance)))
                Add(projects.For(name, instance, resource, assembly));
            if (instances.Count > 1 && manifest.IsReached(name))
                Add(servers.Balancer(name, ports.HttpOf(name), instances.Select(ports.HttpOfInstance)));
        }
        if (options.Dashboard is { } port)
            _processes.Add(new(servers.Dashboard(port, otlpPort), log));
        _processes = [.. _processes.OrderBy(process => process.Plan.Role)];
        return projects;

        void Add(ProcessPlan plan)
        {
            // Resolved here once, so that what is wrong with the manifest is said before anything has started.
            plan.Environment();
            _processes.Add(new(plan, log));
        }
    }

    /// <summary>Said before anything has started, and by name; whoever takes a port later is reported by the process itself.</summary>
    private void EnsurePortsAreFree()
    {
        foreach (var plan in _processes.Select(process => process.Plan))
        {
            if (new Uri(plan.Url).Port is var port && PortPlan.IsFree(port))
                continue;
            var way = plan.Role is Role.Dashboard ? "--dashboard PORT or --dashboard off" : $"--port {plan.Name}=PORT";
            throw new CannotRunException($"Port {port}, where {plan.Name} listens, is taken by another program: stop that one, or start with {way}.");
        }
    }

    private async Task<string?> SuperviseAsync(SupervisedProcess process, CancellationTokenSource failed, CancellationToken kill)
    {
        var isService = process.Plan.Role is Role.Service;
        var before = _processes.Where(other => process.Plan.After.Contains(other.Plan.Resource)).Select(other => other.Ready);
        await Task.WhenAny(Task.WhenAll(before), failed.Token.RequestedAsync());
        if (failed.IsCancellationRequested)
            return null;

        try
        {
            var reason = await process.RunAsync(
                isService ? ServicePatience : ServerPatience, isService ? _stopServices.Token : _stopServers.Token, kill);
            if (reason is null)
                return null;
            if (process.Plan.Role is Role.Dashboard)
            {
                log.Say($"{reason.TrimEnd('.')}. The application goes on without it.");
                return null;
            }
            await failed.CancelAsync();
            return reason;
        }
        catch
        {
            // A bug; the others stop all the same.
            await failed.CancelAsync();
            throw;
        }
    }

    private async Task StopAsync(IReadOnlyList<Task<string?>> runs)
    {
        log.Say("Stopping.");
        var clock = Stopwatch.StartNew();
        var services = _processes.Zip(runs).Where(pair => pair.First.Plan.Role is Role.Service).Select(pair => pair.Second);
        await _stopServices.CancelAsync();
        await Task.WhenAll(services);
        await _stopServers.CancelAsync();
        await Task.WhenAll(runs);
        log.Say($"Stopped in {clock.Elapsed.TotalSeconds:0.0} s.");
    }

    private void Show()
    {
        log.Say($"Ready in {_clock.Elapsed.TotalSeconds:0.0} s.");
        log.Table([
            .. _processes.Select(process => (string[])[process.Plan.Name, process.State, process.Plan.Url, log.FileOf(process.Plan.Name)]),
            .. options.Without.Select(name => (string[])[name, "left out", "", $"its environment: --env {name}"]),
        ]);
        log.Say("Ctrl+C stops everything.");
    }

    /// <summary>The dashboard may take longer than the application, which does not wait for it.</summary>
    private async Task AnnounceDashboardAsync(CancellationToken stop)
    {
        if (_processes.Find(process => process.Plan.Role is Role.Dashboard) is not { } dashboard)
            return;
        await Task.WhenAny(dashboard.Ready, stop.RequestedAsync());
        if (dashboard.Ready.IsCompleted)
            log.Say($"The dashboard is at {dashboard.Plan.Url}, without a log-in.");
    }

    public void Dispose()
    {
        _stopServices.Dispose();
        _stopServers.Dispose();
    }
}
