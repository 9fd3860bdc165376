using StackExchange.Redis;

namespace Konstruct.Contracts.Redis;

/// <summary>Tells a Redis that is down, which passes, from a bug, which does not.</summary>
public static class RedisOutage
{
    /// <summary>How Redis begins an error that passes by itself.</summary>
    private static readonly string[] Passing = ["LOADING", "READONLY", "CLUSTERDOWN", "BUSY", "MASTERDOWN", "TRYAGAIN", "OOM"];

    /// <summary>Whether Redis could not be reached, took too long, or is restarting. What became of the call is unknown then.</summary>
    public static bool IsRedisOutage(this Exception exception) =>
        exception is RedisConnectionException or TimeoutException
        || (exception is RedisServerException server && Array.Exists(Passing, start => server.Message.StartsWith(start, StringComparison.Ordinal)));
}
