using CliWrap;
using CliWrap.Buffered;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Clients;

/// <summary>Node, and the tools that the client's lock file names, in a copy of the sources: the tree that is tested is not written to.</summary>
internal static class NodeTools
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private static readonly Lazy<Task<TemporaryFolder>> Copy = new(PrepareAsync);

    private static readonly Lazy<Task<string>> Example = new(BuildExampleAsync);

    public static string Client { get; } = Path.Combine(BuiltPrograms.RepositoryRoot, "clients", "typescript");

    public static string PageFiles { get; } = Path.Combine(BuiltPrograms.RepositoryRoot, "clients", "page");

    private static string Examples { get; } = Path.Combine(BuiltPrograms.RepositoryRoot, "clients", "examples");

    /// <summary>The copy's client folder, with the tools installed.</summary>
    public static async Task<string> ClientCopyAsync()
    {
        Requirement.Npm.Require();
        return Path.Combine((await Copy.Value).Path, "clients", "typescript");
    }

    /// <summary>The folder with the React example's page, built in the copy with the packages that its lock file names.</summary>
    public static Task<string> ReactExampleAsync() => Example.Value;

    /// <summary>Runs a program to its end and returns what it said on both streams.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(
        string program,
        IEnumerable<string> arguments,
        string folder,
        IReadOnlyDictionary<string, string?>? environment = null
    )
    {
        using var limit = new CancellationTokenSource(Limit);
        var result = await Cli.Wrap(program)
            .WithArguments(arguments)
            .WithWorkingDirectory(folder)
            .WithEnvironmentVariables(environment ?? new Dictionary<string, string?>())
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(limit.Token);
        return (result.ExitCode, $"{result.StandardOutput}\n{result.StandardError}");
    }

    /// <summary>Deletes the copy, if there is one: thousands of files, which take longer than a process that ends may take.</summary>
    public static async Task DeleteCopyAsync()
    {
        if (Copy is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
        {
            (await Copy.Value).Dispose();
        }
    }

    private static async Task<TemporaryFolder> PrepareAsync()
    {
        var folder = new TemporaryFolder();
        var client = Path.Combine(folder.Path, "clients", "typescript");
        CopyFiles(Client, client);
        CopyFiles(PageFiles, Path.Combine(folder.Path, "clients", "page"));
        CopyFiles(Examples, Path.Combine(folder.Path, "clients", "examples"));
        await InstallAsync(client);
        return folder;
    }

    private static async Task<string> BuildExampleAsync()
    {
        var example = Path.Combine(await ClientCopyAsync(), "..", "examples", "react");
        await InstallAsync(example);
        var (exitCode, output) = await RunAsync("npm", ["run", "build"], example);
        return exitCode == 0
            ? Path.GetFullPath(Path.Combine(example, "dist"))
            : throw new InvalidOperationException($"The example does not build:\n{output}");
    }

    private static async Task InstallAsync(string project)
    {
        var (exitCode, output) = await RunAsync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], project);
        if (exitCode != 0)
        {
            throw new InvalidOperationException($"npm could not install the packages of {project}:\n{output}");
        }
    }

    private static void CopyFiles(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }

        foreach (var folder in Directory.EnumerateDirectories(from).Where(folder => Path.GetFileName(folder) is not "node_modules"))
        {
            CopyFiles(folder, Path.Combine(to, Path.GetFileName(folder)));
        }
    }
}
