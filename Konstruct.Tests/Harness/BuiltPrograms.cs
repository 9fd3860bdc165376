using System.Reflection;

namespace Konstruct.Tests.Harness;

/// <summary>Finds the built programs of this repository, each in its own output folder (a copy next to the tests would run with the tests' packages).</summary>
internal static class BuiltPrograms
{
    private static readonly Dictionary<string, string?> Metadata = typeof(BuiltPrograms)
        .Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .ToDictionary(m => m.Key, m => m.Value);

    /// <summary>The folder that holds the solution file.</summary>
    public static string RepositoryRoot { get; } = Metadata["RepositoryRoot"]!;

    /// <summary>Where npm packages of servers are kept between runs, the AppHost's included.</summary>
    public static string Packages { get; } = Path.Combine(RepositoryRoot, ".konstruct", "packages");

    /// <summary>A file or folder of the repository, by its path in it.</summary>
    public static string PathTo(string relative) => Path.Combine(RepositoryRoot, relative);

    /// <summary>What starts a service: a project's dll, or a script in Python.</summary>
    public static string[] Command(string project) =>
        project.EndsWith(".py", StringComparison.Ordinal)
            ? [Requirement.Python.Require(), Path.Combine(RepositoryRoot, project)]
            : ["dotnet", Dll(project)];

    /// <summary>The dll of a project, by its folder in the repository, built with the configuration that the tests were built with.</summary>
    public static string Dll(string project)
    {
        var path = Path.Combine(RepositoryRoot, project, Metadata["OutputPath"]!, $"{Path.GetFileName(project)}.dll");
        return File.Exists(path) ? path : throw new FileNotFoundException($"{project} is not built; the tests start it from {path}.", path);
    }
}
