using StackExchange.Redis;

namespace Konstruct.Contracts.Redis;

/// <summary>
/// Limits what one user sends, over all sockets and gateways. Throws <see cref="RedisException"/> or <see cref="TimeoutException"/> when Redis cannot
/// be reached. A call that is repeated after an unknown outcome may take two: that errs on the strict side.
/// </summary>
public sealed class MessageBucket(IConnectionMultiplexer redis)
{
    /// <summary>Takes one message out of the user's bucket.</summary>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="userId">The user.</param>
    /// <param name="perMinute">How many messages a minute the bucket gains; at least 1.</param>
    /// <param name="burst">How many it holds: those may come at once; at least 1.</param>
    /// <returns>Null: taken. Otherwise how long to wait for the next.</returns>
    public async Task<TimeSpan?> TakeAsync(Guid tenantId, Guid userId, int perMinute, int burst)
    {
        var interval = (long)(TimeSpan.FromMinutes(1).TotalMicroseconds / perMinute);
        var wait = (long)await Script.Take.RunAsync(redis.GetDatabase(), [RedisKeys.Bucket(tenantId, userId)], [interval, burst]);
        return wait > 0 ? TimeSpan.FromMicroseconds(wait) : null;
    }
}
