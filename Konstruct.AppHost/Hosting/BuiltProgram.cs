namespace Konstruct.AppHost.Hosting;

/// <summary>Programs of this repository that are built with the AppHost.</summary>
internal static class BuiltProgram
{
    /// <summary>
    /// Path of a project's dll in its output folder, bin/configuration/framework as here. A copy in
    /// the AppHost's folder would load other versions of its libraries.
    /// </summary>
    public static string Dll(IDistributedApplicationBuilder builder, string project)
    {
        var output = AppContext.BaseDirectory[
            AppContext.BaseDirectory.LastIndexOf($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}", StringComparison.Ordinal)..
        ];
        return Path.GetFullPath($"{builder.AppHostDirectory}/../{project}{output}{project}.dll");
    }
}
