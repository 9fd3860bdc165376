namespace Konstruct.LocalServers;

/// <summary>
/// A server's data folder, locked by one process. The operating system releases the lock when that process
/// ends, in any way. So a server that still runs on the data afterwards is a leftover.
/// </summary>
internal sealed class DataFolder : IDisposable
{
    private readonly FileStream _lock;

    private DataFolder(string path, FileStream @lock) => (Path, _lock) = (path, @lock);

    public string Path { get; }

    /// <exception cref="CannotServeException">Another process holds the lock, or the folder is not writable.</exception>
    public static DataFolder Open(string path)
    {
        try
        {
            CreatePrivate(path);
            return new(path, new FileStream(System.IO.Path.Combine(path, ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (UnauthorizedAccessException problem)
        {
            throw new CannotServeException($"The data folder {path} cannot be written: {problem.Message}", problem);
        }
        catch (IOException problem)
        {
            throw new CannotServeException(
                $"The data in {path} is in use by another process, perhaps another run of the application: stop that one first, or choose another folder (Hosting:Data).",
                problem
            );
        }
    }

    /// <summary>Creates a folder that only its owner can read. An existing folder is not changed.</summary>
    public static void CreatePrivate(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    public string Combine(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => _lock.Dispose();
}
