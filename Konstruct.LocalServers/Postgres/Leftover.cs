using System.Diagnostics;
using System.Globalization;
using Konstruct.LocalServers.Processes;

namespace Konstruct.LocalServers.Postgres;

/// <summary>
/// Cleans up after a killed run that left <c>postmaster.pid</c>. This process holds the lock of the data folder, so a server that still runs
/// on it is an orphan and is stopped. The file is deleted: PostgreSQL would refuse to start if its number now belongs to another program.
/// </summary>
internal static class Leftover
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    public static async Task ClearAsync(string cluster, Action<string> say, CancellationToken stop)
    {
        var file = Path.Combine(cluster, "postmaster.pid");
        if (!File.Exists(file) || !int.TryParse(File.ReadLines(file).FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
        {
            return;
        }

        using var process = RunningServer(id);
        if (process is not null)
        {
            say("stopping the server that a killed run left behind");
            Signal.Interrupt.TrySendTo(id);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            limit.CancelAfter(StopLimit);
            try
            {
                await process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                process.Kill(entireProcessTree: true);
                await process.WaitForExitAsync(stop);
            }
        }
        File.Delete(file);
    }

    private static Process? RunningServer(int id)
    {
        Process process;
        try
        {
            process = Process.GetProcessById(id);
        }
        catch (ArgumentException)
        {
            return null; // No process has this number: usual after a crash of the machine.
        }
        if (process.ProcessName.StartsWith("postgres", StringComparison.Ordinal))
        {
            return process;
        }

        process.Dispose();
        return null;
    }
}
