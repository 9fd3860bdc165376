using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.KeyPerFile;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;

namespace Microsoft.Extensions.Hosting;

/// <summary>Settings in files that a platform mounts and may change while the service runs.</summary>
public static class SecretsFolderExtensions
{
    /// <summary>The setting that names the folder.</summary>
    public const string Setting = "SecretsFolder";

    /// <summary>
    /// Reads settings from files in the folder of <c>SecretsFolder</c>, if set: the file <c>ConnectionStrings__konstruct</c>
    /// contains <c>ConnectionStrings:konstruct</c>. Files override environment variables and are reloaded within seconds of a
    /// change. They are polled, because the symbolic links that Kubernetes mounts raise no change events.
    /// </summary>
    public static void AddSecretsFolder(this IHostApplicationBuilder builder)
    {
        if (builder.Configuration[Setting] is not { Length: > 0 } folder)
        {
            return;
        }

        if (!Directory.Exists(folder))
        {
            builder
                .Services.AddOptions<MissingFolder>()
                .Validate(_ => false, $"{Setting} is '{folder}', which is no folder. Mount it, or unset the setting.")
                .ValidateOnStart();
            return;
        }

        var files = new PhysicalFileProvider(Path.GetFullPath(folder)) { UsePollingFileWatcher = true, UseActivePolling = true };
        builder.Configuration.Add<KeyPerFileConfigurationSource>(source => (source.FileProvider, source.ReloadOnChange) = (files, true));
    }

    /// <summary>Carries the check.</summary>
    private sealed class MissingFolder;
}
