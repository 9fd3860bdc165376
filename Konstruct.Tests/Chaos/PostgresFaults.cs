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
            ChaosFault.AtOnce((rig, _) => rig.Postgres.Stall()),
            ChaosFault.AtOnce((rig, _) => rig.Postgres.Resume())
        ),
        new("read-only", [Targets.Postgres], 1, 8, (rig, _) => rig.Postgres.SetReadOnlyAsync(true), (rig, _) => rig.Postgres.SetReadOnlyAsync(false)),
        new(
            "another password",
            [Targets.Postgres],
            1,
            6,
            (rig, _) => rig.Postgres.ChangeServingPasswordAsync("another password"),
            (rig, _) => rig.Postgres.ChangeServingPasswordAsync(PostgresServer.Password)
        ),
        new(
            "disk full",
            [Targets.Postgres],
            1,
            6,
            ChaosFault.AtOnce((rig, _) => rig.Postgres.Disk!.Fill()),
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
}
