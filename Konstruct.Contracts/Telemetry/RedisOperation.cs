using System.Diagnostics;
using StackExchange.Redis;

namespace Konstruct.Contracts.Telemetry;

/// <summary>
/// Spans for our Redis operations: <c>redis enqueue</c>, <c>redis open</c>, <c>redis finish</c>. Created only under another span, because polls,
/// sweeps and heartbeats belong to no trace. An append has no span, because there may be one per token; the attempt's span summarises them.
/// </summary>
internal static class RedisOperation
{
    private static readonly ActivitySource Source = new("Konstruct.Redis");

    /// <summary>Runs a call in a span, if there is a current trace.</summary>
    /// <param name="name">The operation; the script's name, if it is a script.</param>
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
