using Konstruct.Contracts.Wire;

namespace Konstruct.Gateway.Sockets;

/// <summary>
/// The messages of one socket: served one after another, in the order in which they came, while the reader goes on reading. What still waits when the
/// socket ends was not accepted. No task exists while there is nothing to serve.
/// </summary>
internal sealed class MessageLine(int maxWaiting, Func<ClientFrame, Task> serve, CancellationToken gone)
{
    private readonly Lock _gate = new();
    private readonly Queue<ClientFrame> _waiting = new();
    private Task _serving = Task.CompletedTask;
    private bool _isServing;

    /// <summary>Adds a message. False: as many as allowed wait already.</summary>
    public bool TryAdd(ClientFrame message)
    {
        lock (_gate)
        {
            if (_isServing && _waiting.Count >= maxWaiting)
            {
                return false;
            }

            _waiting.Enqueue(message);
            if (!_isServing)
            {
                _isServing = true;
                _serving = ServeAsync();
            }

            return true;
        }
    }

    /// <summary>Completes when the message that is being served, if any, has let go.</summary>
    public Task WhenIdleAsync()
    {
        lock (_gate)
        {
            return _serving;
        }
    }

    private async Task ServeAsync()
    {
        await Task.Yield(); // The caller holds the gate.
        while (TryTake(out var message))
        {
            await serve(message);
        }
    }

    private bool TryTake(out ClientFrame message)
    {
        lock (_gate)
        {
            _isServing = !gone.IsCancellationRequested && _waiting.Count > 0;
            message = _isServing ? _waiting.Dequeue() : default;
            return _isServing;
        }
    }
}
