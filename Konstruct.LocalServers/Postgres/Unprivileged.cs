using System.Diagnostics;
using Konstruct.LocalServers.Processes;

namespace Konstruct.LocalServers.Postgres;

/// <summary>
/// PostgreSQL refuses to run as root. In a user namespace it runs as <c>nobody</c> while its files stay the user's:
/// nothing is installed, no account is created and no owner changes. Where namespaces are forbidden (a container with
/// the default profile), it runs as the real <c>nobody</c>, who must then own the data.
/// </summary>
internal static class Unprivileged
{
    private const string Nobody = "65534";

    /// <summary>Returns a prefix for a command that must not run as root; empty for other users.</summary>
    /// <param name="data">The folder that the command must be able to write.</param>
    /// <exception cref="CannotServeException">Root cannot drop its rights here.</exception>
    public static IReadOnlyList<string> Prefix(string data)
    {
        if (OperatingSystem.IsWindows() || !Environment.IsPrivilegedProcess)
        {
            return [];
        }

        string[] asNobodyInNamespace = ["unshare", "--user", $"--map-user={Nobody}", $"--map-group={Nobody}", "--"];
        if (Succeeds([.. asNobodyInNamespace, "true"]))
        {
            return asNobodyInNamespace;
        }

        string[] asNobody = ["setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", "--"];
        if (Succeeds(["chown", "-R", $"{Nobody}:{Nobody}", data]) && Succeeds([.. asNobody, "test", "-w", data]))
        {
            return asNobody;
        }

        throw new CannotServeException(
            $"PostgreSQL does not run as root, and user nobody cannot reach {data}: work as another user, or from a folder that everybody may enter."
        );
    }

    private static bool Succeeds(string[] command)
    {
        if (Executables.Find(command[0]) is not { } program)
        {
            return false;
        }

        using var process = Process.Start(
            new ProcessStartInfo(program, command.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
