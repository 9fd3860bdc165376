using StackExchange.Redis;

namespace Konstruct.Contracts.Redis;

/// <summary>
/// All keys and channels. There are two hash slots, and no script crosses them: <c>{&lt;conversation_id&gt;}</c> for a conversation's
/// turns and logs, <c>{dispatch}</c> for waiting, leased and answered entries, and for the marks of cancelled messages.
/// </summary>
public static class RedisKeys
{
    /// <summary>Sorted set: entries that wait for a worker, by time of arrival (Unix µs).</summary>
    public static readonly RedisKey Queue = "{dispatch}:queue";

    /// <summary>Hash: an entry's task payload, from enqueue until the entry is removed.</summary>
    public static readonly RedisKey Tasks = "{dispatch}:tasks";

    /// <summary>Sorted set: entries with a lease, by expiry of the lease (Unix ms).</summary>
    public static readonly RedisKey Leases = "{dispatch}:leases";

    /// <summary>Sorted set: entries whose end is in the log and not persisted yet, by the time of the end (Unix ms).</summary>
    public static readonly RedisKey Answered = "{dispatch}:answered";

    /// <summary>List: dead letters of unreadable entries, the latest first; see <see cref="Dispatch.DeadLetters"/>.</summary>
    public static readonly RedisKey Dead = "{dispatch}:dead";

    /// <summary>Published after an enqueue. Workers claim when they receive it.</summary>
    public static readonly RedisChannel Wake = RedisChannel.Literal("konstruct:dispatch:wake");

    /// <summary>Published with a turn's id when a gateway ends the turn. Its worker stops the model call.</summary>
    public static readonly RedisChannel Stop = RedisChannel.Literal("konstruct:dispatch:stop");

    /// <summary>Time for which an early cancel is remembered.</summary>
    public static readonly TimeSpan CancelIsRemembered = TimeSpan.FromMinutes(1);

    /// <summary>Name of an entry: one attempt of one turn.</summary>
    public static string Entry(Guid turnId, int attempt) => $"{turnId:D}:{attempt}";

    /// <summary>
    /// String, kept for <see cref="CancelIsRemembered"/>: a user cancelled a message that is not accepted yet. It names the user, because a conversation that
    /// does not exist has no owner, and another user must not cancel in it. It is in the queue's hash slot, because enqueue checks it.
    /// </summary>
    public static RedisKey CancelledMessage(Guid tenantId, Guid userId, Guid conversationId, string messageId) =>
        $"{{dispatch}}:cancelled:{tenantId:D}:{userId:D}:{conversationId:D}:{messageId}";

    /// <summary>Hash: the turn's fence (attempt and claim), its end, and the time of its last chunk.</summary>
    public static RedisKey Turn(Guid conversationId, Guid turnId) => $"{{{conversationId:D}}}:turn:{turnId:D}";

    /// <summary>List: the log of one attempt of a turn. The entry at index i has seq i + 1.</summary>
    public static RedisKey Log(Guid conversationId, Guid turnId, int attempt) => $"{{{conversationId:D}}}:log:{turnId:D}:{attempt}";
}
