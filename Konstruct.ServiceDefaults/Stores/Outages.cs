using System.Data.Common;
using System.Net.Sockets;
using Npgsql;
using StackExchange.Redis;

namespace Konstruct.ServiceDefaults.Stores;

/// <summary>
/// The only place that decides whether a store's error is temporary. The default is yes: a store has more reasons to refuse than a list can
/// name (read-only, full, a changed password, a missing right, a failed save), and most of them end without a new version of this program.
/// </summary>
public static class Outages
{
    /// <summary>Redis errors that a retry cannot fix: a key holds another type, or a script uses keys of two slots.</summary>
    private static readonly string[] RedisBugs = ["WRONGTYPE", "CROSSSLOT"];

    /// <summary>
    /// Whether a store refused, failed or was unreachable, so that the same call may succeed later. The outcome of the
    /// call is unknown. False for errors that are not a store's, and for the few that are bugs: in Postgres violated
    /// constraints (class 23) and invalid statements (class 42, except a missing right).
    /// </summary>
    public static bool IsOutage(this Exception exception) =>
        exception switch
        {
            RedisServerException redis => !Array.Exists(RedisBugs, bug => redis.Message.StartsWith(bug, StringComparison.Ordinal)),
            RedisException or TimeoutException or SocketException => true,
            PostgresException postgres => !IsBug(postgres.SqlState),
            DbException => true,
            ObjectDisposedException { ObjectName: "NpgsqlTransaction" } => true, // A transaction whose connection broke.
            { InnerException: { } inner } => inner.IsOutage(), // Entity Framework wraps exhausted retries, failed updates and failed queries.
            _ => false,
        };

    /// <summary>Whether the store is unreachable, too slow, starting or stopping. Another call would only wait again.</summary>
    public static bool IsUnreachable(this Exception exception) =>
        exception switch
        {
            RedisConnectionException or TimeoutException or SocketException => true,
            RedisException => false,
            PostgresException postgres => postgres.IsTransient || postgres.SqlState.StartsWith("57", StringComparison.Ordinal),
            DbException => true,
            ObjectDisposedException { ObjectName: "NpgsqlTransaction" } => true,
            { InnerException: { } inner } => inner.IsUnreachable(),
            _ => false,
        };

    /// <summary>
    /// Short name of the error that does not grow with users: Postgres's SQLSTATE, the first word of a Redis error, or the exception's type.
    /// </summary>
    public static string KindOf(Exception exception) =>
        exception switch
        {
            PostgresException postgres => postgres.SqlState,
            RedisServerException redis when FirstWord(redis.Message) is { } word => word,
            { InnerException: { } inner } when exception.IsOutage() && exception is not DbException and not RedisException => KindOf(inner),
            _ => exception.GetType().Name,
        };

    private static bool IsBug(string sqlState) =>
        sqlState.StartsWith("23", StringComparison.Ordinal)
        || (sqlState.StartsWith("42", StringComparison.Ordinal) && sqlState != PostgresErrorCodes.InsufficientPrivilege);

    private static string? FirstWord(string message)
    {
        var length = message.AsSpan().IndexOfAnyExceptInRange('A', 'Z');
        return length is > 1 and <= 20 ? message[..length] : null;
    }
}
