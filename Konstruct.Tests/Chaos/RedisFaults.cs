using StackExchange.Redis;

namespace Konstruct.Tests.Chaos;

/// <summary>A Redis that stands still, loses its data, or refuses.</summary>
internal static class RedisFaults
{
    public static IReadOnlyList<ChaosFault> All { get; } =
    [
        new(
            "server paused",
            [Targets.Redis],
            1,
            8,
            ChaosFault.AtOnce((rig, _) => rig.Redis.Stall()),
            ChaosFault.AtOnce((rig, _) => rig.Redis.Resume())
        ),
        new("killed, comes back empty", [Targets.Redis], 0.5, 4, (rig, _) => rig.Redis.KillServerAsync(), (rig, _) => rig.Redis.StartServerAsync()),
        new(
            "comes back with older data",
            [Targets.Redis],
            1,
            5,
            (rig, _) => rig.Redis.SaveAsync(),
            async (rig, _) =>
            {
                await rig.Redis.KillServerAsync();
                await rig.Redis.StartServerAsync(keepData: true);
            }
        ),
        new("FLUSHALL", [Targets.Redis], 0, 0, (rig, _) => rig.Redis.FlushAsync(), (_, _) => Task.CompletedTask),
        Refusal("fails over to read-only and back", "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
        Refusal("without its replicas", "CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"),
        Refusal("out of memory", "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
        new("wrong password", [Targets.Redis], 1, 6, (rig, _) => rig.Redis.ChangePasswordAsync(), (rig, _) => rig.Redis.RestorePasswordAsync()),
    ];

    private static ChaosFault Refusal(string name, string spoil, string restore) =>
        new(name, [Targets.Redis], 1, 8, (rig, _) => ExecuteAsync(rig, spoil), (rig, _) => ExecuteAsync(rig, restore));

    private static Task<RedisResult> ExecuteAsync(ChaosRig rig, string command)
    {
        var words = command.Split(' ');
        return rig.Redis.Database.ExecuteAsync(words[0], [.. words[1..]]);
    }
}
