using System.Globalization;

namespace Konstruct.Load.Measure;

/// <summary>A process on this machine whose CPU time and memory are read (Linux).</summary>
/// <param name="Name">Its name in the result.</param>
/// <param name="Id">Its process id.</param>
/// <param name="HasChildren">Whether the CPU time of its children counts, also of those that have ended.</param>
internal sealed record WatchedProcess(string Name, int Id, bool HasChildren = false)
{
    /// <summary>The kernel's clock ticks per second: 100 on every Linux that .NET supports.</summary>
    private const double TicksPerSecond = 100;

    // Fields of /proc/ID/stat after the program's name, which is in parentheses and can contain anything.
    private const int ParentField = 1;
    private const int EndedUserField = 13;
    private const int EndedSystemField = 14;

    /// <summary>All of <c>/proc</c> is read to find the children, so not at every reading.</summary>
    private static readonly long ChildrenAge = (long)TimeSpan.FromSeconds(1).TotalMicroseconds;

    private int[] _children = [];
    private long _childrenAt;

    public static WatchedProcess Parse(string text) =>
        text.Split('=') is [var name, var id] && int.TryParse(id, CultureInfo.InvariantCulture, out var number) && number > 0
            ? new(name, number)
            : throw new BadArgumentException($"'{text}' is not a process to watch: it is NAME=PID.");

    /// <summary>CPU time of all threads since the process began, in seconds.</summary>
    /// <exception cref="BadArgumentException">The process has ended: so does the run.</exception>
    public double CpuSeconds()
    {
        var own = (CpuClock.OfProcess(Id) ?? throw new BadArgumentException($"The process {Name} ({Id}) has ended.")) / 1e9;
        return HasChildren ? own + OfChildren() : own;
    }

    /// <summary>Resident memory in KB, without the children.</summary>
    public long ResidentKb() => Status("VmRSS:");

    /// <summary>Peak resident memory in KB, without the children.</summary>
    public long PeakKb() => Status("VmHWM:");

    /// <summary>The kernel adds the time of a child that ends to its parent's, so none is lost.</summary>
    private double OfChildren()
    {
        if (Clock.Now - _childrenAt > ChildrenAge)
        {
            _children = [.. Directory.EnumerateDirectories("/proc").Select(IdOf).Where(IsChild)];
            _childrenAt = Clock.Now;
        }

        return (Stat(Id) is { } own ? Seconds(own[EndedUserField]) + Seconds(own[EndedSystemField]) : 0)
            + _children.Sum(child => (CpuClock.OfProcess(child) ?? 0) / 1e9);
    }

    private static double Seconds(string ticks) => double.Parse(ticks, CultureInfo.InvariantCulture) / TicksPerSecond;

    private bool IsChild(int id) => id > 0 && Stat(id) is { } stat && stat[ParentField] == Id.ToString(CultureInfo.InvariantCulture);

    private static int IdOf(string folder) =>
        int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0;

    /// <summary>Null: the process has ended.</summary>
    private static string[]? Stat(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/stat").Split(')')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private long Status(string field)
    {
        var line = File.ReadLines($"/proc/{Id}/status").First(line => line.StartsWith(field, StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
