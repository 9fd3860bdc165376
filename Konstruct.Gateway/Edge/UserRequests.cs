using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Edge;

/// <summary>
/// Limits a user's requests to this gateway, other than messages: API calls, and frames that cause a call to a store. The limit
/// is per gateway, because it protects the gateway, and a call to Redis would cost more than most of the requests.
/// </summary>
internal sealed class UserRequests : IDisposable
{
    private readonly PartitionedRateLimiter<(Guid Tenant, Guid User)> _limiter;

    public UserRequests(IOptions<EdgeOptions> options)
    {
        var edge = options.Value;
        _limiter = PartitionedRateLimiter.Create<(Guid Tenant, Guid User), (Guid, Guid)>(user =>
            edge.RequestsPerMinute == 0
                ? RateLimitPartition.GetNoLimiter(user)
                : RateLimitPartition.GetTokenBucketLimiter(
                    user,
                    _ =>
                        new()
                        {
                            TokenLimit = edge.RequestBurst,
                            TokensPerPeriod = 1,
                            ReplenishmentPeriod = TimeSpan.FromMinutes(1) / edge.RequestsPerMinute,
                        }
                )
        );
    }

    /// <summary>Takes one request from the user's bucket. Null: taken. Otherwise the time until the next is allowed.</summary>
    public TimeSpan? Take(Guid tenantId, Guid userId)
    {
        using var lease = _limiter.AttemptAcquire((tenantId, userId));
        return lease.IsAcquired ? null
            : lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait
            : TimeSpan.FromSeconds(1);
    }

    public void Dispose() => _limiter.Dispose();
}
