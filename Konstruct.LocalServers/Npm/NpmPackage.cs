using System.Diagnostics;
using System.Security.Cryptography;
using Konstruct.LocalServers.Processes;

namespace Konstruct.LocalServers.Npm;

/// <summary>
/// A program fetched with npm. The lock file pins version and hash, npm verifies them, and no script of the package runs. There
/// is one folder per lock file. It gets its name only when it is complete, so an interrupted fetch leaves no package.
/// </summary>
/// <param name="name">The folder under <c>Npm/</c> with <c>package.json</c> and <c>package-lock.json</c>.</param>
/// <param name="packages">The folder that keeps fetched packages between runs.</param>
internal sealed class NpmPackage(string name, string packages)
{
    private static readonly TimeSpan FetchLimit = TimeSpan.FromMinutes(5);

    private string Source => Path.Combine(AppContext.BaseDirectory, "Npm", name);

    private string Folder => Path.Combine(packages, $"{name}-{LockHash()}");

    /// <summary>Folder of an npm package that was fetched before; null: none.</summary>
    public string? Find(string package)
    {
        var folder = Path.Combine(Folder, "node_modules", package);
        return Directory.Exists(folder) ? folder : null;
    }

    /// <summary>Fetches the packages of the lock file for this machine and returns the folder of one of them.</summary>
    /// <exception cref="CannotServeException">npm, the network, or a package for this machine is missing.</exception>
    public async Task<string> FetchAsync(string package, CancellationToken stop)
    {
        var npm = Executables.Find("npm") ?? throw new CannotServeException("there is no npm on PATH (it comes with Node.js)");
        var staging = $"{Folder}.{Environment.ProcessId}";
        Directory.CreateDirectory(staging);
        try
        {
            foreach (var file in (string[])["package.json", "package-lock.json"])
            {
                File.Copy(Path.Combine(Source, file), Path.Combine(staging, file), overwrite: true);
            }

            var complaint = await RunNpmAsync(npm, staging, stop);
            // npm skips an optional package that it cannot fetch and still succeeds, so the folder is checked.
            if (!Directory.Exists(Path.Combine(staging, "node_modules", package)))
            {
                throw new CannotServeException($"npm could not fetch {package}{complaint}");
            }

            Publish(staging);
        }
        finally
        {
            if (Directory.Exists(staging))
            {
                Directory.Delete(staging, recursive: true);
            }
        }
        return Find(package) ?? throw new CannotServeException($"{package} went missing from {Folder}: delete that folder and start again");
    }

    /// <summary>Renames the fetched packages. If another process was faster, its packages are the same.</summary>
    private void Publish(string staging)
    {
        try
        {
            Directory.Move(staging, Folder);
        }
        catch (IOException) when (Directory.Exists(Folder)) { }
    }

    private static async Task<string> RunNpmAsync(string npm, string folder, CancellationToken stop)
    {
        var start = new ProcessStartInfo(
            npm,
            [
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--prefer-offline",
                "--fetch-retries=1",
                "--fetch-retry-mintimeout=500",
                "--loglevel=error",
            ]
        )
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(FetchLimit);
        process.StandardInput.Close();
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = await process.StandardError.ReadToEndAsync(limit.Token);
            await output;
            await process.WaitForExitAsync(limit.Token);
            // npm prints a page; the first error that is more than a code is the reason.
            var reason = errors
                .Split('\n')
                .FirstOrDefault(line => line.StartsWith("npm error", StringComparison.Ordinal) && !line.Contains(" code "));
            return reason is null ? "" : $" ({reason["npm error".Length..].Trim().TrimEnd('.')})";
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return $" within {FetchLimit.TotalMinutes:0} minutes";
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private string LockHash() => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(Source, "package-lock.json"))))[..12];
}
