using System.Net;
using System.Net.Sockets;

namespace Konstruct.LocalServers;

/// <summary>A port on the loopback interface.</summary>
internal static class LoopbackPort
{
    /// <exception cref="CannotServeException">Another program listens on it.</exception>
    public static void EnsureFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
        }
        catch (SocketException problem)
        {
            throw new CannotServeException(
                $"Port {port} is taken by another program ({problem.Message}): stop that one or choose another port.",
                problem
            );
        }
    }
}
