using System.Globalization;

namespace Konstruct.Gateway.Edge;

/// <summary>
/// Number of connections that fit into the process's limit of open files. Each socket uses one file. A process
/// without free files cannot reach its stores or load its own code, so a reserve is kept.
/// </summary>
internal static class FileDescriptors
{
    /// <summary>
    /// Reserve for store connections, files and the runtime. A serving gateway was measured to have 150 more open files than at this point.
    /// </summary>
    private const int Reserve = 224;

    /// <summary>Minimum, for probes and some sockets.</summary>
    private const int Least = 16;

    /// <summary>Null: no known limit. .NET has already raised the soft limit to the hard one.</summary>
    public static int? ConnectionsThatFit()
    {
        if (!OperatingSystem.IsLinux() || ReadLimit() is not { } limit)
        {
            return null;
        }

        var room = limit - Directory.GetFileSystemEntries("/proc/self/fd").Length - Reserve;
        return (int)Math.Clamp(room, Least, int.MaxValue);
    }

    /// <summary>Parses the line <c>Max open files  1024  524288  files</c> (soft, hard). Null: unlimited, or no such line.</summary>
    private static long? ReadLimit()
    {
        var line = File.ReadLines("/proc/self/limits").FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal));
        var soft = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is { Length: > 3 } words ? words[3] : null;
        return long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : null;
    }
}
