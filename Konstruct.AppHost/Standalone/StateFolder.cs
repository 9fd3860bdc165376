namespace Konstruct.AppHost.Standalone;

/// <summary>What is kept between runs, in one folder that one running application holds at a time.</summary>
internal sealed class StateFolder(string path)
{
    public string Path { get; } = path;

    public string Parameters => Combine("parameters.json");

    /// <summary>The running application's resources with their environments; there while it runs.</summary>
    public string Run => Combine("run.json");

    public string Packages => Combine("packages");

    public string DataOf(string resource) => Combine(resource);

    public string LogOf(string resource) => Combine(System.IO.Path.Combine("logs", resource + ".log"));

    /// <summary>Holds the folder until the result is disposed; the operating system lets go of it when this process dies.</summary>
    /// <exception cref="CannotRunException">Another process holds it, or it cannot be written.</exception>
    public IDisposable Hold()
    {
        try
        {
            Directory.CreateDirectory(Combine("logs"));
            return new FileStream(Combine(".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException problem)
        {
            throw new CannotRunException($"{Path} cannot be written: {problem.Message} Choose another place with --state.", problem);
        }
        catch (IOException problem)
        {
            throw new CannotRunException($"The application already runs on {Path}: stop that run first (Ctrl+C in its terminal), or choose another place with --state.", problem);
        }
    }

    /// <summary>Everything but what was fetched: that is the same again, and the lock, which is held.</summary>
    public IReadOnlyList<FileSystemInfo> Forgettable() =>
        [.. new DirectoryInfo(Path).EnumerateFileSystemInfos().Where(entry => entry.Name is not (".lock" or "packages")).OrderBy(entry => entry.Name)];

    private string Combine(string name) => System.IO.Path.Combine(Path, name);
}
