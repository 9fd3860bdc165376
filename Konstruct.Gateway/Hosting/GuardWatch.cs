using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Storage.Schema;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Hosting;

/// <summary>
/// Checks periodically that role and policies still isolate tenants, because rights can be granted and policies dropped at any time. On a failure no
/// client may read: readiness goes off, and the watch over sockets closes them, so that clients reconnect to another gateway or get 503. Accepted turns
/// continue, because the statements that persist them name tenant and conversation. The process stays up and serves again once the check succeeds.
/// </summary>
internal sealed partial class GuardWatch(
    IServiceScopeFactory scopes,
    Readiness readiness,
    IOptions<ChatOptions> options,
    TimeProvider time,
    ILogger<GuardWatch> logger
) : BackgroundService
{
    /// <summary>Interval while it refuses, because someone is probably fixing it.</summary>
    private static readonly TimeSpan WhileRefused = TimeSpan.FromSeconds(5);

    private readonly TimeSpan _interval = options.Value.GuardInterval;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await readiness.WhenStarted.WaitAsync(stoppingToken);
        var told = "";
        while (true)
        {
            // Jitter, so that replicas that started together do not check together.
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
            }
            else if (readiness.IsRefused)
            {
                told = "";
                readiness.IsRefused = false;
                Log.ServesAgain(logger);
            }
        }
    }

    /// <summary>Null: unknown, because Postgres is down. The last result stays valid.</summary>
    private async Task<GuardResult?> InspectAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            return await ServingRoleGuard.InspectAsync(scope.ServiceProvider.GetRequiredService<ChatDbContext>(), cancellationToken);
        }
#pragma warning disable CA1031 // Round boundary: the next round checks again.
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
