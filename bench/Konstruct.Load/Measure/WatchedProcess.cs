using System.Globalization;

namespace Konstruct.Load.Measure;

/// <summary>A process on this machine whose CPU time and memory are read (Linux: <c>/proc</c>).</summary>
internal sealed record WatchedProcess(string Name, int Id)
{
    /// <summary>The kernel's clock ticks per second: 100 on every Linux that .NET supports.</summary>
    private const double TicksPerSecond = 100;

    public static WatchedProcess Parse(string text) =>
        text.Split('=') is [var name, var id] && int.TryParse(id, CultureInfo.InvariantCulture, out var number) && number > 0
            ? new(name, number)
            : throw new BadArgumentException($"--watch is '{text}': it is NAME=PID.");

    /// <summary>CPU time of all threads since the process began, in seconds. If the process ends, the run ends.</summary>
    public double CpuSeconds()
    {
        // After the program's name, which is in parentheses and can contain anything: field 14 is user time, 15 is system time.
        var fields = File.ReadAllText($"/proc/{Id}/stat").Split(')')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    /// <summary>Resident memory in KB.</summary>
    public long ResidentKb() => Status("VmRSS:");

    /// <summary>Peak resident memory in KB.</summary>
    public long PeakKb() => Status("VmHWM:");

    private long Status(string field)
    {
        var line = File.ReadLines($"/proc/{Id}/status").First(line => line.StartsWith(field, StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
