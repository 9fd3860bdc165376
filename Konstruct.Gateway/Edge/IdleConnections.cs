using Microsoft.AspNetCore.Connections;

namespace Konstruct.Gateway.Edge;

/// <summary>
/// Connections without a request, new or kept alive. A client that opens thousands of idle connections would use
/// up Kestrel's limit, and probes would fail. Above <paramref name="most"/>, the connection that has been idle
/// longest is closed. A probe sends its request at once and is never the longest.
/// </summary>
/// <param name="most">Maximum number of idle connections.</param>
internal sealed class IdleConnections(int most)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<ConnectionContext> _idle = new(); // The first has been idle longest.

    private int Most => most;

    /// <summary>Tracks a connection around its handler.</summary>
    public async Task HoldAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var place = new Place(this, connection);
        connection.Features.Set(place);
        place.OnIdle();
        try
        {
            await next(connection);
        }
        finally
        {
            place.Leave();
        }
    }

    /// <summary>Marks the connection as busy until the response is sent. A WebSocket is the last request of its connection.</summary>
    public static Task ServeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Features.Get<Place>() is { } place)
        {
            place.OnRequest();
            context.Response.OnCompleted(
                static state =>
                {
                    ((Place)state).OnIdle();
                    return Task.CompletedTask;
                },
                place
            );
        }

        return next(context);
    }

    /// <summary>A connection's place in the list.</summary>
    private sealed class Place(IdleConnections all, ConnectionContext connection)
    {
        private readonly LinkedListNode<ConnectionContext> _node = new(connection);
        private int _requests; // HTTP/2 has several at once.
        private bool _hasLeft;

        public void OnIdle()
        {
            ConnectionContext? oldest = null;
            lock (all._gate)
            {
                _requests = Math.Max(0, _requests - 1);
                if (_requests == 0 && !_hasLeft && _node.List is null)
                {
                    all._idle.AddLast(_node);
                    oldest = all._idle.Count > all.Most ? all._idle.First!.Value : null;
                    if (oldest is not null)
                    {
                        all._idle.RemoveFirst();
                    }
                }
            }

            oldest?.Abort(new("Idle longest, and too many connections are idle."));
        }

        public void OnRequest()
        {
            lock (all._gate)
            {
                _requests++;
                Remove();
            }
        }

        public void Leave()
        {
            lock (all._gate)
            {
                _hasLeft = true;
                Remove();
            }
        }

        private void Remove()
        {
            if (_node.List is not null)
            {
                all._idle.Remove(_node);
            }
        }
    }
}
