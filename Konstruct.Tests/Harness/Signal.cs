using System.Runtime.InteropServices;

namespace Konstruct.Tests.Harness;

/// <summary>The signals that tests send; the numbers of two of them differ between Linux and macOS.</summary>
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
    /// <summary>Sends the signal to a process that exists.</summary>
    public static void SendTo(this Signal signal, int processId)
    {
        if (kill(processId, signal.Number()) != 0)
        {
            throw new InvalidOperationException($"kill({processId}, {signal}) failed with errno {Marshal.GetLastPInvokeError()}.");
        }
    }

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

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int processId, int signal);
}
