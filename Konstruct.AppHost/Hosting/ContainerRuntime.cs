using System.ComponentModel;
using System.Diagnostics;

namespace Konstruct.AppHost.Hosting;

/// <summary>Docker or Podman on this machine.</summary>
internal static class ContainerRuntime
{
    /// <summary>Time-out of <c>docker info</c>: a daemon that hangs cannot run containers.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    /// <summary>Whether either runtime responds; both are queried at once.</summary>
    public static bool Answers()
    {
        var docker = Task.Run(() => Answers("docker"));
        return Answers("podman") | docker.GetAwaiter().GetResult();
    }

    private static bool Answers(string program)
    {
        try
        {
            using var info = Process.Start(new ProcessStartInfo(program, "info") { RedirectStandardOutput = true, RedirectStandardError = true })!;
            // Output is read and dropped: a full pipe would block the program.
            info.OutputDataReceived += (_, _) => { };
            info.ErrorDataReceived += (_, _) => { };
            info.BeginOutputReadLine();
            info.BeginErrorReadLine();
            if (info.WaitForExit(Limit))
            {
                return info.ExitCode == 0;
            }

            info.Kill(entireProcessTree: true);
            return false;
        }
        catch (Win32Exception)
        {
            return false; // The program is not installed.
        }
    }
}
