using System.Runtime.InteropServices;

namespace Konstruct.LocalServers.Processes;

/// <summary>Signals of Unix. The numbers of two of them differ between Linux and macOS.</summary>
internal enum Signal
{
    Interrupt,
    Quit,
    Kill,
    Terminate,
    Stop,
    Continue,
}

internal static class Signals
{
    /// <summary>Sends the signal. False: the process is gone, or the system has no signals.</summary>
    public static bool TrySendTo(this Signal signal, int processId) => !OperatingSystem.IsWindows() && Kill(processId, signal.Number()) == 0;

    private static int Number(this Signal signal) =>
        signal switch
        {
            Signal.Interrupt => 2,
            Signal.Quit => 3,
            Signal.Kill => 9,
            Signal.Terminate => 15,
            Signal.Stop => OperatingSystem.IsMacOS() ? 17 : 19,
            Signal.Continue => OperatingSystem.IsMacOS() ? 19 : 18,
            _ => throw new ArgumentOutOfRangeException(nameof(signal), signal, null),
        };

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int processId, int signal);
}
