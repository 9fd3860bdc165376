using Konstruct.Gateway.Protocol;

namespace Konstruct.Gateway.Sockets;

/// <summary>
/// Queue of one socket's messages. They are served in order while the reader continues. Messages still waiting
/// when the socket ends were not accepted. No task exists while the queue is empty.
/// </summary>
internal sealed class MessageLine(int maxWaiting, Func<ClientFrame, Task> serve, CancellationToken gone)
{
    private readonly Lock _gate = new();
    private readonly Queue<ClientFrame> _waiting = new();
    private Task _serving = Task.CompletedTask;
    private bool _isServing;

    /// <summary>Adds a message. False: the queue is full.</summary>
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

    /// <summary>Completes when no message is being served.</summary>
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
