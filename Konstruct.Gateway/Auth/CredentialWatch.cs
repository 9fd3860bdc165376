using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Sockets;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Auth;

/// <summary>Closes sockets whose token has expired and that sent no fresh one. One timer for all of them.</summary>
internal sealed class CredentialWatch(OpenSockets sockets, IOptions<AuthOptions> options, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var latest = time.GetUtcNow() - options.Value.ExpiryGrace;
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
