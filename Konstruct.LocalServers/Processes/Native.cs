using System.Runtime.InteropServices;

namespace Konstruct.LocalServers.Processes;

/// <summary>Two functions of the C library that .NET does not offer.</summary>
internal static class Native
{
    public const int Interrupt = 2;
    public const int Quit = 3;
    public const int Terminate = 15;

    /// <summary>Whether this process runs as root on a Unix system.</summary>
    public static bool IsRoot => !OperatingSystem.IsWindows() && GetEffectiveUserId() == 0;

    /// <summary>Sends a signal. False: the process is gone, or the system has no signals.</summary>
    public static bool Signal(int processId, int signal) => !OperatingSystem.IsWindows() && Kill(processId, signal) == 0;

    [DllImport("libc", EntryPoint = "geteuid")]
    private static extern uint GetEffectiveUserId();

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int processId, int signal);
}
