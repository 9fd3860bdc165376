using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Auth;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Sockets;

/// <summary>
/// Looks, once a second, at the open sockets: one timer for all of them. Closes those whose token has expired and that sent no fresh one.
/// </summary>
internal sealed class SocketWatch(OpenSockets sockets, IOptions<AuthOptions> auth, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var latest = time.GetUtcNow() - auth.Value.ExpiryGrace;
            foreach (var socket in sockets.All())
            {
                if (socket.Expires < latest)
                {
                    socket.Close(CloseCodes.CredentialsExpired, "The credentials expired");
                }
            }
        }
    }
}
