namespace Konstruct.LocalServers;

/// <summary>A server that runs until it is told to stop.</summary>
internal interface ILocalServer : IAsyncDisposable
{
    /// <summary>
    /// Starts the server, says <see cref="Ready(int)"/> when it takes connections, and returns once it has stopped.
    /// </summary>
    /// <param name="say">Takes progress, a plain sentence at a time.</param>
    /// <param name="stop">Asks for an orderly stop, at any moment.</param>
    /// <returns>The exit code: 0 after an orderly stop, 1 when the server ended by itself.</returns>
    /// <exception cref="CannotServeException">The server cannot run here.</exception>
    Task<int> RunAsync(Action<string> say, CancellationToken stop);

    /// <summary>The sentence that whoever started the server waits for.</summary>
    static string Ready(int port) => $"ready on 127.0.0.1:{port}";
}
