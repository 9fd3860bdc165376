using System.Diagnostics;
using StackExchange.Redis;

namespace Konstruct.Contracts.Telemetry;

/// <summary>
/// Our own operations on Redis as spans: <c>redis enqueue</c>, <c>redis open</c>, <c>redis finish</c>. Only beneath a span: polls, sweeps and heartbeats
/// are nobody's trace. An append is none: there may be one for each token; the span of its attempt sums them up.
/// </summary>
internal static class RedisOperation
{
    private static readonly ActivitySource Source = new("Konstruct.Redis");

    /// <summary>Runs a call as a span, if anything is traced.</summary>
    /// <param name="name">What is done; the script's name where it is one.</param>
    /// <param name="call">The call.</param>
    public static async Task<T> TraceAsync<T>(string name, Func<Task<T>> call)
    {
        using var span = Start(name);
        try
        {
            return await call();
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException)
        {
            span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", exception.GetType().Name);
            throw;
        }
    }

    private static Activity? Start(string name)
    {
        if (Activity.Current is not { IsAllDataRequested: true })
        {
            return null;
        }

        return Source.StartActivity($"redis {name}", ActivityKind.Client)?.SetTag("db.system.name", "redis").SetTag("db.operation.name", name);
    }
}
