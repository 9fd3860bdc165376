namespace Konstruct.AppHost.Hosting;

/// <summary>Programs of this repository that were built together with the AppHost.</summary>
internal static class BuiltProgram
{
    /// <summary>
    /// The dll of a project in its own output folder, bin/configuration/framework like this one's: a copy beside the AppHost would find other versions of its
    /// libraries.
    /// </summary>
    public static string Dll(IDistributedApplicationBuilder builder, string project)
    {
        var output = AppContext.BaseDirectory[AppContext.BaseDirectory.LastIndexOf($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}", StringComparison.Ordinal)..];
        return Path.GetFullPath($"{builder.AppHostDirectory}/../{project}{output}{project}.dll");
    }
}
