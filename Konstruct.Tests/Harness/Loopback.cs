using System.Net;
using System.Net.Sockets;

namespace Konstruct.Tests.Harness;

/// <summary>Free ports on the loopback address.</summary>
internal static class Loopback
{
    private static readonly HashSet<int> HandedOut = [];

    /// <summary>A port that nothing listens on and that this test run has not handed out before.</summary>
    public static int FreePort()
    {
        while (true)
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var port = ((IPEndPoint)listener.LocalEndpoint).Port;
            lock (HandedOut)
            {
                if (HandedOut.Add(port))
                {
                    return port;
                }
            }
        }
    }
}
