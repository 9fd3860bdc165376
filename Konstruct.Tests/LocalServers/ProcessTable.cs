namespace Konstruct.Tests.LocalServers;

/// <summary>What runs on this machine, read from /proc (Linux). A process that ended and was not collected yet counts as gone.</summary>
internal static class ProcessTable
{
    /// <summary>The ids of living processes whose command line or environment names the text.</summary>
    public static int[] Naming(string text) =>
        [
            .. Directory
                .EnumerateDirectories("/proc")
                .Select(folder => int.TryParse(Path.GetFileName(folder), out var id) ? id : 0)
                .Where(id => id != 0 && id != Environment.ProcessId && (Names(id, "cmdline", text) || Names(id, "environ", text)) && !HasEnded(id)),
        ];

    /// <summary>The command line of a process, for messages.</summary>
    public static string Describe(int id) => Read(id, "cmdline").Replace('\0', ' ');

    private static bool Names(int id, string file, string text) => Read(id, file).Contains(text, StringComparison.Ordinal);

    private static bool HasEnded(int id) => Read(id, "stat") is var stat && (stat.Length == 0 || stat.Contains(") Z", StringComparison.Ordinal));

    private static string Read(int id, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/{file}");
        }
        catch (IOException)
        {
            return ""; // It ended between the listing and now.
        }
        catch (UnauthorizedAccessException)
        {
            return ""; // Another user's.
        }
    }
}
