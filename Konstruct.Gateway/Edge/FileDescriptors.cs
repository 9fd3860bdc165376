using System.Globalization;

namespace Konstruct.Gateway.Edge;

/// <summary>
/// How many connections fit into the files that the process may open. Each socket is one; a process without any left cannot reach its stores, nor load its own
/// code. So connections end where the reserve begins.
/// </summary>
internal static class FileDescriptors
{
    /// <summary>For the stores' connections, files and whatever the runtime opens later. A gateway that serves was seen to have 150 more open than when this is asked.</summary>
    private const int Reserve = 224;

    /// <summary>However little there is: probes and some sockets.</summary>
    private const int Least = 16;

    /// <summary>Null: no limit is known. .NET has raised its own to the hard one by now.</summary>
    public static int? ConnectionsThatFit()
    {
        if (!OperatingSystem.IsLinux() || ReadLimit() is not { } limit)
        {
            return null;
        }

        var room = limit - Directory.GetFileSystemEntries("/proc/self/fd").Length - Reserve;
        return (int)Math.Clamp(room, Least, int.MaxValue);
    }

    /// <summary>A line of that file: <c>Max open files  1024  524288  files</c>, soft and hard. Null: unlimited, or no such line.</summary>
    private static long? ReadLimit()
    {
        var line = File.ReadLines("/proc/self/limits").FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal));
        var soft = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is { Length: > 3 } words ? words[3] : null;
        return long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : null;
    }
}
