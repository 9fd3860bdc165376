using Konstruct.Tests.Harness;

namespace Konstruct.Tests.LocalServers;

/// <summary>A machine with .NET and nothing else.</summary>
internal static class OnlyDotnet
{
    /// <summary>A PATH that finds dotnet and nothing else.</summary>
    public static string Path(TemporaryFolder folder)
    {
        var path = Directory.CreateDirectory(System.IO.Path.Combine(folder.Path, "path")).FullName;
        var dotnet = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(System.IO.Path.PathSeparator)
            .Select(entry => System.IO.Path.Combine(entry, "dotnet"))
            .First(File.Exists);
        File.CreateSymbolicLink(System.IO.Path.Combine(path, "dotnet"), dotnet);
        return path;
    }
}
