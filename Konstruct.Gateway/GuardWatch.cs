using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Sockets;
using Konstruct.Gateway.Tenancy;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway;

/// <summary>
/// Looks again, while the gateway serves, whether its role and the policies still keep tenants apart: rights can be granted, and policies dropped, at any time. When they do not, no client
/// may read: readiness goes off, and sockets are closed with 1012, so that clients come back, to a gateway that may serve or to a 503. Turns that were accepted go on to their end, since
/// what stores it names its tenant and its conversation; the process stays, and serves again once all is right.
/// </summary>
internal sealed partial class GuardWatch(
    IServiceScopeFactory scopes, Readiness readiness, OpenSockets sockets, IOptions<ChatOptions> options, TimeProvider time, ILogger<GuardWatch> logger)
    : BackgroundService
{
    /// <summary>How soon it looks again once it refuses: somebody is mending it.</summary>
    private static readonly TimeSpan WhileRefused = TimeSpan.FromSeconds(5);

    private readonly TimeSpan _interval = options.Value.GuardInterval;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await readiness.WhenStarted.WaitAsync(stoppingToken);
        var told = "";
        while (true)
        {
            // Replicas that were started together need not look together.
            var pause = readiness.IsRefused && WhileRefused < _interval ? WhileRefused : _interval;
            await Task.Delay(pause * (1 + (Random.Shared.NextDouble() / 4)), time, stoppingToken);
            if (await InspectAsync(stoppingToken) is not { } result)
            {
                continue;
            }

            if (result.Verdict == GuardVerdict.Refuse)
            {
                if (result.Reason != told)
                {
                    Log.Refused(logger, told = result.Reason);
                }

                readiness.IsRefused = true;
                foreach (var socket in sockets.All())
                {
                    socket.Close(CloseCodes.Restarting, "The gateway is out of service");
                }
            }
            else if (readiness.IsRefused)
            {
                told = "";
                readiness.IsRefused = false;
                Log.ServesAgain(logger);
            }
        }
    }

    /// <summary>Null: nobody can tell now, since Postgres is down. What was found last holds.</summary>
    private async Task<GuardResult?> InspectAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            return await ServingRoleGuard.InspectAsync(scope.ServiceProvider.GetRequiredService<ChatDbContext>(), cancellationToken);
        }
#pragma warning disable CA1031 // The boundary of a round: the next one looks again.
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Log.NotInspected(logger, exception.Message);
            return null;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(4, LogLevel.Critical, "No longer serving, sockets are closed: {Reason}")]
        public static partial void Refused(ILogger logger, string reason);

        [LoggerMessage(5, LogLevel.Warning, "Serving again: role and policies are right")]
        public static partial void ServesAgain(ILogger logger);

        [LoggerMessage(6, LogLevel.Warning, "Role and policies could not be looked at: {Reason}")]
        public static partial void NotInspected(ILogger logger, string reason);
    }
}
