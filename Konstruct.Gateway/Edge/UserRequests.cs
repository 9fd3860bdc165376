using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Edge;

/// <summary>
/// Bounds what one user asks of this gateway besides messages: each call of the API, and each frame that makes the gateway ask a store. A limit of each gateway,
/// not of all together: it protects the gateway, and asking Redis would cost more than most of what it counts.
/// </summary>
internal sealed class UserRequests : IDisposable
{
    private readonly PartitionedRateLimiter<(Guid Tenant, Guid User)> _limiter;

    public UserRequests(IOptions<EdgeOptions> options)
    {
        var edge = options.Value;
        _limiter = PartitionedRateLimiter.Create<(Guid Tenant, Guid User), (Guid, Guid)>(user => edge.RequestsPerMinute == 0
            ? RateLimitPartition.GetNoLimiter(user)
            : RateLimitPartition.GetTokenBucketLimiter(user, _ => new()
            {
                TokenLimit = edge.RequestBurst,
                TokensPerPeriod = 1,
                ReplenishmentPeriod = TimeSpan.FromMinutes(1) / edge.RequestsPerMinute,
            }));
    }

    /// <summary>Takes one request out of the user's bucket. Null: taken. Otherwise how long to wait for the next.</summary>
    public TimeSpan? Take(Guid tenantId, Guid userId)
    {
        using var lease = _limiter.AttemptAcquire((tenantId, userId));
        return lease.IsAcquired ? null
            : lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromSeconds(1);
    }

    public void Dispose() => _limiter.Dispose();
}
