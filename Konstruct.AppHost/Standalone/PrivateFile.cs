namespace Konstruct.AppHost.Standalone;

/// <summary>A file that holds secrets: only its owner can read it (mode 600; on Windows what the folder grants).</summary>
internal static class PrivateFile
{
    public static void Write(string file, string text)
    {
        // The mode counts for a new file only.
        File.Delete(file);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var writer = new StreamWriter(file, options);
        writer.Write(text);
    }
}
