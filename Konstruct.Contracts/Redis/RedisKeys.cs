using StackExchange.Redis;

namespace Konstruct.Contracts.Redis;

/// <summary>
/// Every key and channel. Two hash slots, and no script crosses them: <c>{&lt;conversation_id&gt;}</c> for a conversation's turns and logs,
/// <c>{dispatch}</c> for what is waiting, leased and answered, and for what is not to get there.
/// </summary>
public static class RedisKeys
{
    /// <summary>Sorted set: entries that wait for a worker, by the time they came (Unix µs).</summary>
    public static readonly RedisKey Queue = "{dispatch}:queue";

    /// <summary>Hash: an entry's task payload, from enqueue until it is settled.</summary>
    public static readonly RedisKey Tasks = "{dispatch}:tasks";

    /// <summary>Sorted set: entries that a worker holds, by the time their lease ends (Unix ms).</summary>
    public static readonly RedisKey Leases = "{dispatch}:leases";

    /// <summary>Sorted set: entries whose answer is in the log and not yet in Postgres, by the time they were answered (Unix ms).</summary>
    public static readonly RedisKey Answered = "{dispatch}:answered";

    /// <summary>List: entries that could not be read, the latest first; see <see cref="Dispatch.DeadLetters"/>.</summary>
    public static readonly RedisKey Dead = "{dispatch}:dead";

    /// <summary>Published when something was enqueued. Workers claim on it.</summary>
    public static readonly RedisChannel Wake = RedisChannel.Literal("konstruct:dispatch:wake");

    /// <summary>Published with a turn's id when a gateway ended it: its worker stops the model call.</summary>
    public static readonly RedisChannel Stop = RedisChannel.Literal("konstruct:dispatch:stop");

    /// <summary>String: when the user's bucket of messages is empty again (Unix µs). A key of its own, in whatever slot.</summary>
    public static RedisKey Bucket(Guid tenantId, Guid userId) => $"bucket:{tenantId:D}:{userId:D}";

    /// <summary>An entry of the dispatch slot: one attempt of one turn.</summary>
    public static string Entry(Guid turnId, int attempt) => $"{turnId:D}:{attempt}";

    /// <summary>
    /// String, for a minute: a user cancelled a message that is not accepted yet. Names the user, since a conversation that does not exist is nobody's, and another
    /// user must not cancel in it. In the slot of the queue, which it keeps the message out of.
    /// </summary>
    public static RedisKey CancelledMessage(Guid tenantId, Guid userId, Guid conversationId, string messageId) =>
        $"{{dispatch}}:cancelled:{tenantId:D}:{userId:D}:{conversationId:D}:{messageId}";

    /// <summary>Hash: the turn's fence (attempt and claim), its end, and when it last showed a sign of life.</summary>
    public static RedisKey Turn(Guid conversationId, Guid turnId) => $"{{{conversationId:D}}}:turn:{turnId:D}";

    /// <summary>List: the log of one attempt of a turn. The entry at index i has seq i + 1.</summary>
    public static RedisKey Log(Guid conversationId, Guid turnId, int attempt) => $"{{{conversationId:D}}}:log:{turnId:D}:{attempt}";
}
