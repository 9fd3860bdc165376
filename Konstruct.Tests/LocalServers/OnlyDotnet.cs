using Konstruct.Tests.Harness;

namespace Konstruct.Tests.LocalServers;

/// <summary>A machine with .NET and nothing else.</summary>
internal static class OnlyDotnet
{
    /// <summary>A PATH that finds dotnet and nothing else.</summary>
    /// <param name="folder">Where to put what it finds.</param>
    /// <param name="others">Further programs that it finds.</param>
    public static string Path(TemporaryFolder folder, params string[] others)
    {
        var path = Directory.CreateDirectory(System.IO.Path.Combine(folder.Path, "path")).FullName;
        foreach (var program in (string[])["dotnet", .. others])
        {
            var found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator)
                .Select(entry => System.IO.Path.Combine(entry, program))
                .First(File.Exists);
            File.CreateSymbolicLink(System.IO.Path.Combine(path, program), found);
        }

        return path;
    }
}
