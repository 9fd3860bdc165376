using System.ComponentModel;
using Konstruct.LocalServers.Processes;

namespace Konstruct.Tests.Harness;

/// <summary>
/// A disk in memory that a test can fill. It is mounted in a namespace of its own, which a process holds: the mount ends with that process, also when the
/// test run is killed.
/// </summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private const int Megabytes = 384;

    private readonly LoggedProcess _holder;
    private readonly string _folder;

    private SmallDisk(LoggedProcess holder, string folder) => (_holder, _folder) = (holder, folder);

    /// <summary>A command that executes a program where the disk is.</summary>
    public IEnumerable<string> Prefix => ["nsenter", "--target", $"{_holder.Id}", "--mount", "--"];

    /// <summary>As the test sees it.</summary>
    private string Filler => $"/proc/{_holder.Id}/root{_folder}/.filler";

    /// <summary>Null where the machine does not allow it: it requires Linux, root and the right to mount.</summary>
    public static async Task<SmallDisk?> TryMountAsync(string folder)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess || Executables.Find("nsenter") is null)
        {
            return null;
        }

        const string Mounted = "mounted";
        string[] mount = ["sh", "-c", $"mount -t tmpfs -o size={Megabytes}m,mode=700 tmpfs \"$0\" && echo {Mounted} && exec sleep infinity", folder];
        LoggedProcess? holder = null;
        try
        {
            holder = new LoggedProcess("the holder of a small disk", mount, prefix: ["unshare", "--mount"]);
            await holder.WaitForLogAsync(Mounted);
            return new(holder, folder);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            if (holder is not null)
            {
                await holder.DisposeAsync();
            }

            return null;
        }
    }

    /// <summary>Leaves no byte free.</summary>
    public void Fill()
    {
        using var filler = File.OpenHandle(Filler, FileMode.Create, FileAccess.Write);
        var piece = new byte[4096];
        var length = 0L;
        try
        {
            while (true)
            {
                RandomAccess.Write(filler, piece, length);
                length += piece.Length;
            }
        }
        catch (IOException)
        {
            // Full, as it should be.
        }
    }

    public void Free() => File.Delete(Filler);

    public ValueTask DisposeAsync() => _holder.DisposeAsync();
}
