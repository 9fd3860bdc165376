using System.Diagnostics;
using System.Globalization;
using Konstruct.LocalServers.Processes;
using Xunit;

namespace Konstruct.Tests.Harness;

/// <summary>A program that some tests need and a machine may lack. They are skipped without it, with one line that says what to install.</summary>
internal sealed class Requirement
{
    public static readonly Requirement Redis = new("redis-server", "Debian: apt install redis-server", () => Executables.Find("redis-server"));

    public static readonly Requirement PgBouncer = new("PgBouncer", "Debian: apt install pgbouncer", () => FindWithAdministrators("pgbouncer"));

    public static readonly Requirement Chromium = new(
        "Chromium",
        "Debian: apt install chromium",
        () => Executables.Find("chromium") ?? Executables.Find("chromium-browser") ?? Executables.Find("google-chrome")
    );

    public static readonly Requirement Npm = new("npm", "it comes with Node.js; Debian: apt install npm", () => Executables.Find("npm"));

    public static readonly Requirement Node = new($"Node.js {OldestNode} or newer", "https://nodejs.org", FindNode);

    public static readonly Requirement Python = new(
        "redis-py for Python 3.11 or newer",
        "Debian: apt install python3-redis",
        () => FindPython("redis")
    );

    public static readonly Requirement Celery = new(
        "Celery for Python",
        "Debian: apt install python3-celery python3-redis",
        () => FindPython("celery, redis")
    );

    public static readonly Requirement Spin = new(
        "spin",
        "Debian: apt install spin gcc",
        () => Executables.Find("gcc") is null ? null : Executables.Find("spin")
    );

    public static readonly Requirement Prometheus = new(
        "Prometheus with promtool",
        "Debian: apt install prometheus",
        () => Executables.Find("promtool") is null ? null : Executables.Find("prometheus")
    );

    private const int OldestNode = 20;

    private static readonly Requirement[] All = [Redis, PgBouncer, Chromium, Npm, Node, Python, Celery, Spin, Prometheus];

    private readonly string _name;
    private readonly string _install;
    private readonly Lazy<string?> _program;

    private Requirement(string name, string install, Func<string?> find) => (_name, _install, _program) = (name, install, new(find));

    /// <summary>What is missing on this machine, as one sentence; or that nothing is.</summary>
    public static string Summary =>
        IsAnyMissing
            ? $"Not installed, and what needs it is skipped: {string.Join("; ", All.Where(one => !one.IsMet))}."
            : "Every program that the tests use is installed.";

    public static bool IsAnyMissing => All.Any(one => !one.IsMet);

    public bool IsMet => _program.Value is not null;

    /// <summary>The program's path. Skips the test that asks, also by way of a <see cref="PipelineFixture"/>, where the program is missing.</summary>
    public string Require()
    {
        Assert.SkipUnless(IsMet, $"Needs {this}.");
        return _program.Value!;
    }

    public override string ToString() => $"{_name} ({_install})";

    /// <summary>Debian keeps servers where the PATH of an ordinary user does not look.</summary>
    private static string? FindWithAdministrators(string name) =>
        Executables.Find(name) ?? (Path.Combine("/usr/sbin", name) is var path && File.Exists(path) ? path : null);

    /// <summary>Debian's modules belong to Debian's own Python, which need not be the first in the PATH.</summary>
    private static string? FindPython(string modules) =>
        new[] { "/usr/bin/python3", Executables.Find("python3"), Executables.Find("python") }
            .OfType<string>()
            .FirstOrDefault(python => HasModules(python, modules));

    private static bool HasModules(string python, string modules)
    {
        if (!File.Exists(python))
        {
            return false;
        }

        using var process = Process.Start(
            new ProcessStartInfo(python, ["-c", $"import sys, {modules}; sys.exit(sys.version_info < (3, 11))"]) { RedirectStandardError = true }
        )!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private static string? FindNode()
    {
        if (Executables.Find("node") is not { } node)
        {
            return null;
        }

        using var process = Process.Start(new ProcessStartInfo(node, ["--version"]) { RedirectStandardOutput = true })!;
        var version = process.StandardOutput.ReadToEnd().Trim().TrimStart('v').Split('.')[0];
        process.WaitForExit();
        return int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var major) && major >= OldestNode ? node : null;
    }
}
