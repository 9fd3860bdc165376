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

internal static class SignalNumbers
{
    public static int Number(this Signal signal) => signal switch
    {
        Signal.Interrupt => 2,
        Signal.Quit => 3,
        Signal.Kill => 9,
        Signal.Terminate => 15,
        Signal.Stop => OperatingSystem.IsMacOS() ? 17 : 19,
        Signal.Continue => OperatingSystem.IsMacOS() ? 19 : 18,
        _ => throw new ArgumentOutOfRangeException(nameof(signal), signal, null),
    };
}
