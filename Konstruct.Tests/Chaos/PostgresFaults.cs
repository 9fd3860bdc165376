using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Chaos;

/// <summary>A Postgres that dies, stops, stands still, or refuses.</summary>
internal static class PostgresFaults
{
    public static IReadOnlyList<ChaosFault> All { get; } =
    [
        new("server killed", [Targets.Postgres], 0.5, 5, (rig, _) => rig.Postgres.KillServerAsync(), (rig, _) => rig.Postgres.BringBackAsync()),
        new(
            "server stopped in order",
            [Targets.Postgres],
            0.5,
            5,
            (rig, _) => rig.Postgres.StopServerAsync(),
            (rig, _) => rig.Postgres.BringBackAsync()
        ),
        new(
            "server stands still",
            [Targets.Postgres],
            1,
            8,
            ProcessFaults.Each((rig, _) => rig.Postgres.Stall()),
            ProcessFaults.Each((rig, _) => rig.Postgres.Resume())
        ),
        new("read-only", [Targets.Postgres], 1, 8, (rig, _) => SetReadOnlyAsync(rig, "on"), (rig, _) => SetReadOnlyAsync(rig, "off")),
        new(
            "another password",
            [Targets.Postgres],
            1,
            6,
            (rig, _) => SetPasswordAsync(rig, "another password"),
            (rig, _) => SetPasswordAsync(rig, PostgresServer.Password)
        ),
        new(
            "disk full",
            [Targets.Postgres],
            1,
            6,
            ProcessFaults.Each((rig, _) => rig.Postgres.Disk!.Fill()),
            async (rig, _) =>
            {
                rig.Postgres.Disk!.Free();
                await rig.Postgres.BringBackAsync(); // A log that cannot be written ends the server.
            }
        )
        {
            Impossible = rig => rig.Postgres.Disk is null ? "this machine does not let the tests mount a small disk (Linux, root)" : null,
        },
    ];

    private static async Task SetReadOnlyAsync(ChaosRig rig, string value)
    {
        var server = rig.Postgres.AsSuperuser("postgres");
        await server.ExecuteAsync($"ALTER SYSTEM SET default_transaction_read_only = {value}");
        await server.ExecuteAsync("SELECT pg_reload_conf()");
    }

    private static async Task SetPasswordAsync(ChaosRig rig, string password)
    {
        var server = rig.Postgres.AsSuperuser("postgres");
        await server.ExecuteAsync($"ALTER ROLE {PostgresServer.ServingRole} PASSWORD '{password.Replace("'", "''", StringComparison.Ordinal)}'");
        await server.ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{PostgresServer.ServingRole}'");
    }
}
