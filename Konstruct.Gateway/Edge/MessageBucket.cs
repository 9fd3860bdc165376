using Konstruct.Contracts.Redis;
using StackExchange.Redis;

namespace Konstruct.Gateway.Edge;

/// <summary>
/// Limits a user's messages over all sockets and gateways. Throws <see cref="RedisException"/> or <see cref="TimeoutException"/> when
/// Redis cannot be reached. A call that is repeated after an unknown outcome may take two messages, which errs on the strict side.
/// </summary>
internal sealed class MessageBucket(IConnectionMultiplexer redis)
{
    private static readonly Script Take = new("take", typeof(MessageBucket).Assembly);

    /// <summary>Takes one message from the user's bucket.</summary>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="userId">The user.</param>
    /// <param name="perMinute">Messages per minute; at least 1.</param>
    /// <param name="burst">Capacity: messages that may be sent at once; at least 1.</param>
    /// <returns>Null: taken. Otherwise the time until the next message is allowed.</returns>
    public async Task<TimeSpan?> TakeAsync(Guid tenantId, Guid userId, int perMinute, int burst)
    {
        var interval = (long)(TimeSpan.FromMinutes(1).TotalMicroseconds / perMinute);
        var wait = (long)await Take.RunAsync(redis.GetDatabase(), [KeyOf(tenantId, userId)], [interval, burst]);
        return wait > 0 ? TimeSpan.FromMicroseconds(wait) : null;
    }

    /// <summary>String: time at which the user's bucket is empty again (Unix µs). Not tied to a conversation's hash slot.</summary>
    internal static RedisKey KeyOf(Guid tenantId, Guid userId) => $"bucket:{tenantId:D}:{userId:D}";
}
