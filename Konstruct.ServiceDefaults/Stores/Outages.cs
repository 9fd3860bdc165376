using System.Data.Common;
using System.Net.Sockets;
using Npgsql;
using StackExchange.Redis;

namespace Konstruct.ServiceDefaults.Stores;

/// <summary>
/// The one place that decides whether a store's error passes. The default is that it does: a store can refuse for more reasons than a list can name (read-only,
/// full, a changed password, a missing right, a failed save), and most of them end without a new version of this program.
/// </summary>
public static class Outages
{
    /// <summary>Redis's errors that repeating cannot help: a key holds another type, or a script wants keys of two slots.</summary>
    private static readonly string[] RedisBugs = ["WRONGTYPE", "CROSSSLOT"];

    /// <summary>
    /// Whether a store refused, failed or could not be reached, and the same call may succeed later. What became of it is unknown. False for what is no store's
    /// error, and for the few that are a bug: in Postgres violated constraints (class 23) and wrong statements (class 42, but for a missing right).
    /// </summary>
    public static bool IsOutage(this Exception exception) => exception switch
    {
        RedisServerException redis => !Array.Exists(RedisBugs, bug => redis.Message.StartsWith(bug, StringComparison.Ordinal)),
        RedisException or TimeoutException or SocketException => true,
        PostgresException postgres => !IsBug(postgres.SqlState),
        DbException => true,
        ObjectDisposedException { ObjectName: "NpgsqlTransaction" } => true, // How a transaction ends whose connection broke under it.
        { InnerException: { } inner } => inner.IsOutage(), // Entity Framework wraps: retries that were used up, a failed update, a failed query.
        _ => false,
    };

    /// <summary>Whether no server serves at all: it cannot be reached, is too slow, is starting or stopping. Another call would only wait once more.</summary>
    public static bool IsUnreachable(this Exception exception) => exception switch
    {
        RedisConnectionException or TimeoutException or SocketException => true,
        RedisException => false,
        PostgresException postgres => postgres.IsTransient || postgres.SqlState.StartsWith("57", StringComparison.Ordinal),
        DbException => true,
        ObjectDisposedException { ObjectName: "NpgsqlTransaction" } => true,
        { InnerException: { } inner } => inner.IsUnreachable(),
        _ => false,
    };

    /// <summary>A short name of the error that does not grow with users: Postgres's SQLSTATE, the word that Redis begins with, or the exception's type.</summary>
    public static string KindOf(Exception exception) => exception switch
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
