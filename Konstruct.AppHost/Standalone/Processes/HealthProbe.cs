using System.Net.Sockets;

namespace Konstruct.AppHost.Standalone.Processes;

/// <summary>Asks a service whether it is ready.</summary>
internal static class HealthProbe
{
    // No proxy: the service is on this machine whatever the environment says.
    private static readonly HttpClient Client = new(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(2) })
    {
        Timeout = TimeSpan.FromSeconds(5),
    };

    /// <summary>Asks once. No answer is a no.</summary>
    public static async Task<bool> IsHealthyAsync(Uri address, CancellationToken stop)
    {
        try
        {
            using var response = await Client.GetAsync(address, stop);
            return response.IsSuccessStatusCode;
        }
        catch (Exception silence) when (silence is HttpRequestException or SocketException or OperationCanceledException)
        {
            return false; // It does not listen yet, did not answer in time, or nobody waits for the answer any more.
        }
    }
}
