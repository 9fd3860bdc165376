using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Konstruct.Gateway.Tenancy;

/// <summary>How the gateway connects to Postgres: what its connection string says, with our defaults, and a password that may change while it runs.</summary>
internal static class ServingConnection
{
    public const string Name = "konstruct";

    /// <summary>
    /// Connections that a gateway holds to Postgres at most, where its connection string does not say. None is held while an answer streams, and a call is a
    /// round trip. Npgsql's default is 100, and so is all that a PostgreSQL takes by its default: two replicas would refuse each other. Its pool uses all of
    /// them by turns, and a session that has rested is a slow one: with 32, a thousand conversations mostly waited longer for their first chunk.
    /// </summary>
    private const int MaxConnections = 16;

    /// <summary>
    /// What counts where its connection string does not say. Whatever is set on a connection ends with its transaction (<see cref="TenantDb"/>), so there is nothing
    /// to reset; Npgsql would send DISCARD ALL before each use, and PostgreSQL would plan every statement of a turn again. Connections that rest are kept (see
    /// <see cref="Complete"/>); TCP's own probes keep them known to firewalls and find those that are dead.
    /// </summary>
    private static readonly string Defaults =
        $"Maximum Pool Size={MaxConnections};No Reset On Close=true;Tcp Keepalive=true;Tcp Keepalive Time=60;Tcp Keepalive Interval=10";

    /// <summary>
    /// Adds the context. Each new connection asks the configuration for its password: one that was rotated in a file that is reloaded (appsettings.json, or one of the
    /// <c>SecretsFolder</c>) counts at once, without a restart. What else the connection string says is read at the start.
    /// </summary>
    public static void AddServingDb(this WebApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        var given = configuration.GetConnectionString(Name);
        var hasPassword = TryRead(given) is { Password.Length: > 0 };
        builder.AddNpgsqlDbContext<ChatDbContext>(
            Name,
            settings => settings.ConnectionString = Complete(given, withPassword: !hasPassword),
            options =>
            {
                if (hasPassword)
                {
                    options.UseNpgsql(npgsql => npgsql.ConfigureDataSource(source => source.UsePasswordProvider(
                        _ => Password(configuration), (_, _) => ValueTask.FromResult(Password(configuration)))));
                }
            });
    }

    private static string Password(IConfiguration configuration) => TryRead(configuration.GetConnectionString(Name))?.Password ?? "";

    /// <summary>
    /// The defaults in front: what the connection string says itself comes later, and counts. As many connections are kept as there may be: a new one costs
    /// 25 ms and plans its first turn for 14 ms more, and after five quiet minutes all would be new just when many come at once.
    /// </summary>
    internal static string? Complete(string? given, bool withPassword)
    {
        if (TryRead($"{Defaults};{given}") is not { } read || string.IsNullOrEmpty(given))
        {
            return given; // It is no connection string: whoever connects with it says why.
        }

        var complete = new NpgsqlConnectionStringBuilder($"{Defaults};Minimum Pool Size={read.MaxPoolSize};{given}");
        if (!withPassword)
        {
            complete.Password = null;
        }

        return complete.ConnectionString;
    }

    private static NpgsqlConnectionStringBuilder? TryRead(string? given)
    {
        try
        {
            return new(given);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
