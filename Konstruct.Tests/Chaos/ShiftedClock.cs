using System.Buffers.Binary;
using System.Diagnostics;
using Konstruct.LocalServers.Processes;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Chaos;

/// <summary>
/// The time of day of processes that were started with <see cref="Environment"/>, which can be wrong by an offset, and become so while they
/// run. Their stopwatches stay right, as they do on a machine whose clock is set.
/// </summary>
internal sealed class ShiftedClock : IDisposable
{
    public const string Requirement = "Linux and gcc (Debian: apt install gcc)";

    private static readonly string Source = BuiltPrograms.PathTo("Konstruct.Tests/Chaos/shifted-clock.c");

    private readonly TemporaryFolder _folder = new();

    private ShiftedClock() => Set(TimeSpan.Zero);

    public IReadOnlyDictionary<string, string> Environment =>
        new Dictionary<string, string> { ["LD_PRELOAD"] = Library, ["SHIFTED_CLOCK"] = OffsetFile };

    private string Library => Path.Combine(_folder.Path, "shifted-clock.so");

    private string OffsetFile => Path.Combine(_folder.Path, "offset");

    /// <summary>Null where it cannot be: see <see cref="Requirement"/>.</summary>
    public static async Task<ShiftedClock?> TryMakeAsync()
    {
        if (!OperatingSystem.IsLinux() || Executables.Find("gcc") is not { } gcc)
        {
            return null;
        }

        var clock = new ShiftedClock();
        using var compiler = Process.Start(gcc, ["-shared", "-fPIC", "-O2", "-o", clock.Library, Source]);
        await compiler.WaitForExitAsync();
        if (compiler.ExitCode == 0)
        {
            return clock;
        }

        clock.Dispose();
        throw new InvalidOperationException($"gcc could not compile {Source}.");
    }

    /// <summary>The processes have it at once: they have mapped the file.</summary>
    public void Set(TimeSpan offset)
    {
        var seconds = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(seconds, (long)offset.TotalSeconds);
        using var file = File.OpenHandle(OffsetFile, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(file, seconds, 0);
    }

    public void Dispose() => _folder.Dispose();
}
