using System.Collections.Concurrent;

namespace Konstruct.Gateway.Sockets;

/// <summary>The sockets that are open now.</summary>
internal sealed class OpenSockets
{
    private readonly ConcurrentDictionary<ChatSocket, bool> _sockets = new();

    public int Count => _sockets.Count;

    public void Add(ChatSocket socket) => _sockets[socket] = true;

    public void Remove(ChatSocket socket) => _sockets.TryRemove(socket, out _);

    public ICollection<ChatSocket> All() => _sockets.Keys;
}
