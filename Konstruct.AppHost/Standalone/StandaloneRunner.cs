using Konstruct.AppHost.Standalone.Manifests;
using Konstruct.AppHost.Standalone.Processes;
using Konstruct.AppHost.Standalone.Terminal;

namespace Konstruct.AppHost.Standalone;

/// <summary>
/// Runs the committed manifest where the AppHost was built without Aspire. A runner of a standard file: what it does not know needs Aspire.
/// </summary>
internal static class StandaloneRunner
{
    /// <returns>The exit code: 0 after an orderly end, 1 with one sentence on standard error that says what to do.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            var options = RunnerOptions.Parse(args, Environment.GetEnvironmentVariable);
            if (options.Help)
            {
                Console.WriteLine(RunnerOptions.HelpText);
                return 0;
            }
            var file = options.Manifest ?? Path.Combine(ProjectOutput.SolutionFolder, Manifest.FileName);
            var state = new StateFolder(options.State ?? Path.Combine(Path.GetDirectoryName(file)!, ".konstruct"));
            return options switch
            {
                { PrintEnvironmentOf: { } service } => PrintEnvironment(service, state),
                { Reset: true } => Reset(state),
                _ => await RunAsync(file, options, state),
            };
        }
        catch (CannotRunException problem)
        {
            Console.Error.WriteLine(problem.Message);
            return 1;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("Stopped before anything had started.");
            return 1;
        }
    }

    private static async Task<int> RunAsync(string file, RunnerOptions options, StateFolder state)
    {
        using var signals = new StopSignals();
        var manifest = Manifest.Read(file);
        using var held = state.Hold();
        var names = manifest.Resources.Where(resource => resource.Value.IsProcess)
            .SelectMany(resource => manifest.InstancesOf(resource.Key, options.Replicas).Append(resource.Key)).Distinct().Append(LocalServerPlans.DashboardName);
        using var log = new RunLog(Console.Out, RunLog.WantsColours, state, names);
        log.Say($"Running {Manifest.FileName} without Aspire: local servers in place of containers.");
        using var application = new Application(manifest, options, state, log);
        return await application.RunAsync(signals);
    }

    private static int PrintEnvironment(string service, StateFolder state)
    {
        foreach (var (name, value) in RunFile.EnvironmentOf(service, state))
        {
            if (value is not null)
                Console.WriteLine($"{name}={value}");
        }
        return 0;
    }

    private static int Reset(StateFolder state)
    {
        using var held = state.Hold();
        foreach (var entry in state.Forgettable())
        {
            Console.WriteLine($"Deleting {entry.FullName}");
            if (entry is DirectoryInfo folder)
                folder.Delete(recursive: true);
            else
                entry.Delete();
        }
        Console.WriteLine("The application starts with nothing next time.");
        return 0;
    }
}
