using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.KeyPerFile;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;

namespace Microsoft.Extensions.Hosting;

/// <summary>Settings that a platform mounts as files, which it may change while the service runs.</summary>
public static class SecretsFolderExtensions
{
    /// <summary>The setting that names the folder.</summary>
    public const string Setting = "SecretsFolder";

    /// <summary>
    /// Reads a file for each setting from the folder that <c>SecretsFolder</c> names, if it names one: <c>ConnectionStrings__konstruct</c> holds
    /// <c>ConnectionStrings:konstruct</c>. They count more than environment variables, and are read again within seconds when they change; by looking, since the links
    /// that Kubernetes mounts tell nobody that they changed.
    /// </summary>
    public static void AddSecretsFolder(this IHostApplicationBuilder builder)
    {
        if (builder.Configuration[Setting] is not { Length: > 0 } folder)
        {
            return;
        }

        if (!Directory.Exists(folder))
        {
            builder.Services.AddOptions<MissingFolder>().Validate(_ => false, $"{Setting} is '{folder}', which is no folder. Mount it, or unset the setting.").ValidateOnStart();
            return;
        }

        var files = new PhysicalFileProvider(Path.GetFullPath(folder)) { UsePollingFileWatcher = true, UseActivePolling = true };
        builder.Configuration.Add<KeyPerFileConfigurationSource>(source => (source.FileProvider, source.ReloadOnChange) = (files, true));
    }

    /// <summary>Carries the check.</summary>
    private sealed class MissingFolder;
}
