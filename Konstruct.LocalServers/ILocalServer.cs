namespace Konstruct.LocalServers;

/// <summary>A server that runs until it is stopped.</summary>
internal interface ILocalServer : IAsyncDisposable
{
    /// <summary>
    /// Starts the server, reports <see cref="Ready(int)"/> when it accepts connections, and returns once it has stopped.
    /// </summary>
    /// <param name="say">Receives progress, one sentence at a time.</param>
    /// <param name="stop">Requests an orderly stop, at any time.</param>
    /// <returns>The exit code: 0 after an orderly stop, 1 when the server ended by itself.</returns>
    /// <exception cref="CannotServeException">The server cannot run here.</exception>
    Task<int> RunAsync(Action<string> say, CancellationToken stop);

    /// <summary>The sentence that the starting process waits for.</summary>
    static string Ready(int port) => $"ready on 127.0.0.1:{port}";
}
