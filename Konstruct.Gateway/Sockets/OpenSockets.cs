using System.Collections.Concurrent;
using System.Threading.RateLimiting;
using Konstruct.Gateway.Auth;
using Konstruct.Gateway.Edge;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Sockets;

/// <summary>Open sockets, in total and per user, each with a limit.</summary>
internal sealed class OpenSockets(IOptions<EdgeOptions> options) : IDisposable
{
    private readonly ConcurrentDictionary<ChatSocket, bool> _sockets = new();
    private readonly PartitionedRateLimiter<Identity> _users = PerUser(options.Value.MaxSocketsPerUser);
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Adds a socket. False: the gateway is full; the socket is not added.</summary>
    public bool TryAdd(ChatSocket socket)
    {
        if (Interlocked.Increment(ref _count) > options.Value.MaxSockets)
        {
            Interlocked.Decrement(ref _count);
            return false;
        }

        _sockets[socket] = true;
        return true;
    }

    public void Remove(ChatSocket socket)
    {
        if (_sockets.TryRemove(socket, out _))
        {
            Interlocked.Decrement(ref _count);
        }
    }

    /// <summary>Counts a socket for its user after authentication, until the lease is disposed. A lease that is not acquired: the user's limit is reached.</summary>
    public RateLimitLease Enter(Identity user) => _users.AttemptAcquire(user);

    /// <summary>All open sockets. Sockets that open or close during the enumeration may be included.</summary>
    public IEnumerable<ChatSocket> All() => _sockets.Select(socket => socket.Key);

    public void Dispose() => _users.Dispose();

    private static PartitionedRateLimiter<Identity> PerUser(int limit) =>
        PartitionedRateLimiter.Create<Identity, (Guid Tenant, Guid User)>(user =>
            limit == 0
                ? RateLimitPartition.GetNoLimiter((user.TenantId, user.UserId))
                : RateLimitPartition.GetConcurrencyLimiter((user.TenantId, user.UserId), _ => new() { PermitLimit = limit })
        );
}
