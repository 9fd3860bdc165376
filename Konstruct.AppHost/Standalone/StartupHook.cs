using System.Diagnostics;
using System.Runtime.InteropServices;

/// <summary>
/// Runs inside each service before its Main (DOTNET_STARTUP_HOOKS): ends the service when its standard input ends. That is how the runner
/// stops it, and how a runner that was killed leaves nothing behind, on every system and without a process between the two.
/// </summary>
/// <remarks>The runtime looks for a type of this name outside any namespace.</remarks>
#pragma warning disable CA1050 // Declare types in namespaces
internal static class StartupHook
{
    private const int Terminate = 15;

    /// <summary>After this long the service has had its chance; the runner itself kills earlier, so it is gone then.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static void Initialize()
    {
        // Ctrl+C in a terminal reaches all processes of its foreground group; the order of stopping is the runner's to decide.
        if (!OperatingSystem.IsWindows())
            _ = SetSessionId();
        new Thread(EndWithInput) { IsBackground = true, Name = "standard input" }.Start();
    }

    private static void EndWithInput()
    {
        using (var input = Console.OpenStandardInput())
        {
            Span<byte> ignored = stackalloc byte[64];
            while (input.Read(ignored) > 0)
            {
            }
        }
        // The host shuts down in order on SIGTERM; Windows has no such signal.
        if (OperatingSystem.IsWindows())
            Environment.Exit(0);
        _ = Kill(Environment.ProcessId, Terminate);
        Thread.Sleep(Patience);
        Process.GetCurrentProcess().Kill();
    }

    [DllImport("libc", EntryPoint = "setsid")]
    private static extern int SetSessionId();

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int processId, int signal);
}
#pragma warning restore CA1050
