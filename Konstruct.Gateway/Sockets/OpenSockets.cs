using System.Collections.Concurrent;
using Konstruct.Gateway.Auth;
using Konstruct.Gateway.Edge;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Sockets;

/// <summary>The sockets that are open now, in all and by user: neither may have more than its limit.</summary>
internal sealed class OpenSockets(IOptions<EdgeOptions> options)
{
    private readonly ConcurrentDictionary<ChatSocket, bool> _sockets = new();
    private readonly Dictionary<(Guid Tenant, Guid User), int> _users = [];
    private readonly Lock _gate = new();
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Counts a socket in. False: the gateway is full; it is not counted.</summary>
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

    /// <summary>Counts a socket in for its user, once that is known. False: the user has as many as allowed.</summary>
    public bool TryEnter(Identity user)
    {
        lock (_gate)
        {
            var open = _users.GetValueOrDefault(KeyOf(user));
            if (options.Value.MaxSocketsPerUser > 0 && open >= options.Value.MaxSocketsPerUser)
            {
                return false;
            }

            _users[KeyOf(user)] = open + 1;
            return true;
        }
    }

    /// <summary>The socket of a user who had entered is gone.</summary>
    public void Leave(Identity user)
    {
        lock (_gate)
        {
            if (--_users[KeyOf(user)] == 0)
            {
                _users.Remove(KeyOf(user));
            }
        }
    }

    /// <summary>All that are open, and some that come or go meanwhile.</summary>
    public IEnumerable<ChatSocket> All() => _sockets.Select(socket => socket.Key);

    private static (Guid Tenant, Guid User) KeyOf(Identity user) => (user.TenantId, user.UserId);
}
