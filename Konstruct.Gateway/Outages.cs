using Konstruct.Contracts.Redis;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;

namespace Konstruct.Gateway;

/// <summary>Tells a store that is down, which passes, from a bug, which does not.</summary>
internal static class Outages
{
    /// <summary>Postgres cannot be reached, is too slow, or is restarting.</summary>
    public static bool IsPostgresOutage(this Exception exception) => exception switch
    {
        RetryLimitExceededException => true,
        PostgresException postgres => postgres.IsTransient || postgres.SqlState.StartsWith("57", StringComparison.Ordinal),
        NpgsqlException => true,
        TimeoutException => true,
        ObjectDisposedException { ObjectName: "NpgsqlTransaction" } => true, // How a transaction ends whose connection broke under it.
        InvalidOperationException { InnerException: NpgsqlException or TimeoutException } => true,
        Microsoft.EntityFrameworkCore.DbUpdateException { InnerException: { } inner } => inner.IsPostgresOutage(),
        _ => false,
    };

    /// <summary>One of the two.</summary>
    public static bool IsOutage(this Exception exception) => exception.IsRedisOutage() || exception.IsPostgresOutage();
}
