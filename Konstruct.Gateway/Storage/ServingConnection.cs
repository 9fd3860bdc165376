using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Konstruct.Gateway.Storage;

/// <summary>The gateway's connection to Postgres: its connection string, default settings, and a password that may change at run time.</summary>
internal static class ServingConnection
{
    public const string Name = "konstruct";

    /// <summary>
    /// Default maximum pool size of a gateway. No connection is held while an answer streams, and a call is one round trip. Npgsql's
    /// default of 100 is also PostgreSQL's default limit for the whole server, so two replicas would refuse each other. The pool rotates
    /// its connections, and an idle session is slow: with 32, most of a thousand conversations waited longer for their first chunk.
    /// </summary>
    private const int MaxConnections = 16;

    /// <summary>
    /// Default settings, used where the connection string has none. Session state ends with its transaction (<see cref="TenantDb"/>), so
    /// no reset is needed: Npgsql would send DISCARD ALL before each use, and PostgreSQL would plan every statement again. Idle
    /// connections are kept (see <see cref="Complete"/>); TCP keepalives keep them open in firewalls and detect dead ones.
    /// </summary>
    private static readonly string Defaults =
        $"Maximum Pool Size={MaxConnections};No Reset On Close=true;Tcp Keepalive=true;Tcp Keepalive Time=60;Tcp Keepalive Interval=10";

    /// <summary>
    /// Adds the context. Each new connection reads its password from the configuration. So a password that is rotated in a reloaded file
    /// (appsettings.json, or a file of <c>SecretsFolder</c>) applies without a restart. The rest of the connection string is read at startup.
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
                    options.UseNpgsql(npgsql =>
                        npgsql.ConfigureDataSource(source =>
                            source.UsePasswordProvider(_ => Password(configuration), (_, _) => ValueTask.FromResult(Password(configuration)))
                        )
                    );
                }
            }
        );
    }

    /// <summary>
    /// Puts the defaults in front, so that the connection string overrides them. The minimum pool size equals the maximum: a new
    /// connection costs 25 ms and 14 ms more to plan its first turn, and after five idle minutes all would be new when a burst arrives.
    /// </summary>
    internal static string? Complete(string? given, bool withPassword)
    {
        if (TryRead($"{Defaults};{given}") is not { } read || string.IsNullOrEmpty(given))
        {
            return given; // Invalid: the connection attempt reports why.
        }

        var complete = new NpgsqlConnectionStringBuilder($"{Defaults};Minimum Pool Size={read.MaxPoolSize};{given}");
        if (!withPassword)
        {
            complete.Password = null;
        }

        return complete.ConnectionString;
    }

    private static string Password(IConfiguration configuration) => TryRead(configuration.GetConnectionString(Name))?.Password ?? "";

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
