using Konstruct.Gateway.Auth;
using Konstruct.Gateway.Hosting;
using Konstruct.Gateway.Protocol;
using Konstruct.ServiceDefaults.Loops;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Sockets;

/// <summary>
/// Checks all open sockets once a second, with one timer. Closes those whose token has expired without renewal, and all of them while the
/// guard refuses (<see cref="Readiness.IsRefused"/>).
/// </summary>
internal sealed class SocketWatch(
    OpenSockets sockets,
    Readiness readiness,
    IOptions<AuthOptions> auth,
    Persistence persistence,
    Failures failures,
    TimeProvider time
) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        persistence.LoopAsync("the watch over sockets", Interval, Interval, 5 * Interval, _ => LookAtAllAsync(), stoppingToken);

    private Task LookAtAllAsync()
    {
        var latest = time.GetUtcNow() - auth.Value.ExpiryGrace; // A token's expiry is wall-clock time, so no other clock can measure it.
        foreach (var socket in sockets.All())
        {
            failures.Try("watching a socket", () => Look(socket, latest));
        }

        return Task.CompletedTask;
    }

    private void Look(ChatSocket socket, DateTimeOffset latest)
    {
        if (readiness.IsRefused)
        {
            socket.Close(CloseCodes.Restarting, "The gateway is out of service");
        }

        if (socket.Expires < latest)
        {
            socket.Close(CloseCodes.CredentialsExpired, "The credentials expired");
        }
    }
}
