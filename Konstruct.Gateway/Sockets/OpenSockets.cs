using System.Collections.Concurrent;
using Konstruct.Gateway.Auth;
using Konstruct.Gateway.Edge;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Sockets;

/// <summary>Open sockets, in total and per user, each with a limit.</summary>
internal sealed class OpenSockets(IOptions<EdgeOptions> options)
{
    private readonly ConcurrentDictionary<ChatSocket, bool> _sockets = new();
    private readonly Dictionary<(Guid Tenant, Guid User), int> _users = [];
    private readonly Lock _gate = new();
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

    /// <summary>Counts a socket for its user after authentication. False: the user's limit is reached.</summary>
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

    /// <summary>Removes a socket of a user from the count.</summary>
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

    /// <summary>All open sockets. Sockets that open or close during the enumeration may be included.</summary>
    public IEnumerable<ChatSocket> All() => _sockets.Select(socket => socket.Key);

    private static (Guid Tenant, Guid User) KeyOf(Identity user) => (user.TenantId, user.UserId);
}
