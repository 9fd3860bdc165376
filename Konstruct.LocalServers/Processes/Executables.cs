namespace Konstruct.LocalServers.Processes;

/// <summary>Finds programs on PATH, as a shell does.</summary>
internal static class Executables
{
    /// <summary>Full path of a program on PATH; null: not found.</summary>
    public static string? Find(string name)
    {
        var names = OperatingSystem.IsWindows() ? (string[])[name + ".exe", name + ".cmd"] : [name];
        return (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => names.Select(file => Path.Combine(folder, file)))
            .FirstOrDefault(File.Exists);
    }

    public static string FileName(string name) => OperatingSystem.IsWindows() ? name + ".exe" : name;
}
