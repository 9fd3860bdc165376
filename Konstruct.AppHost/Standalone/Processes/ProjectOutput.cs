using System.Diagnostics;

namespace Konstruct.AppHost.Standalone.Processes;

/// <summary>Where the projects' builds are. <c>dotnet run</c> has built what the AppHost refers to; what is still missing is built here, once.</summary>
internal sealed class ProjectOutput(Action<string> say)
{
    /// <summary>The program that runs assemblies.</summary>
    public static string Dotnet => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    /// <summary>The folder of the solution: the one that holds the local servers' project.</summary>
    public static string SolutionFolder
    {
        get
        {
            var folder = AppContext.BaseDirectory;
            while (!Directory.Exists(Path.Combine(folder, "Konstruct.LocalServers")))
                folder = Path.GetDirectoryName(folder) ?? throw new CannotRunException("The AppHost runs from its solution's folder only: dotnet run --project Konstruct.AppHost");
            return folder;
        }
    }

    /// <summary>The assembly of a project in the AppHost's own configuration and target framework.</summary>
    /// <param name="project">The project file.</param>
    /// <param name="stop">Ends a build that is under way.</param>
    /// <exception cref="CannotRunException">There is no such project, or it does not build.</exception>
    public async Task<string> AssemblyAsync(string project, CancellationToken stop)
    {
        if (!File.Exists(project))
            throw new CannotRunException($"There is no project {project}, which the manifest names.");
        var output = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var (framework, configuration) = (output.Name, output.Parent!.Name);
        var name = Path.GetFileNameWithoutExtension(project);
        var assembly = Path.Combine(Path.GetDirectoryName(project)!, "bin", configuration, framework, name + ".dll");
        if (!File.Exists(assembly))
        {
            say($"building {name}, which is not built yet");
            await BuildAsync(project, configuration, stop);
        }
        return File.Exists(assembly) ? assembly : throw new CannotRunException($"Building {project} did not make {assembly}.");
    }

    private static async Task BuildAsync(string project, string configuration, CancellationToken stop)
    {
        var start = new ProcessStartInfo(Dotnet, ["build", project, "--configuration", configuration, "--verbosity", "quiet", "--nologo"])
        {
            RedirectStandardOutput = true,
        };
        using var build = Process.Start(start)!;
        try
        {
            var output = await build.StandardOutput.ReadToEndAsync(stop);
            await build.WaitForExitAsync(stop);
            if (build.ExitCode != 0)
            {
                var error = output.Split('\n').FirstOrDefault(line => line.Contains(": error ", StringComparison.Ordinal))?.Trim();
                throw new CannotRunException($"{project} does not build: {error ?? $"exit code {build.ExitCode}"}");
            }
        }
        finally
        {
            if (!build.HasExited)
                build.Kill(entireProcessTree: true);
        }
    }
}
