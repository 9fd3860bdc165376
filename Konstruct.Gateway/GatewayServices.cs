using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Conversations;
using Konstruct.Gateway.Sockets;
using Konstruct.Gateway.Telemetry;
using Konstruct.Gateway.Tenancy;
using Konstruct.Gateway.Turns;
using Konstruct.ServiceDefaults.Loops;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Konstruct.Gateway;

/// <summary>What the gateway is made of.</summary>
internal static class GatewayServices
{
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
    private static readonly string ConnectionDefaults =
        $"Maximum Pool Size={MaxConnections};No Reset On Close=true;Tcp Keepalive=true;Tcp Keepalive Time=60;Tcp Keepalive Interval=10";

    /// <summary>Redis and Postgres, by the names that they have in the application's model.</summary>
    public static void AddStores(this WebApplicationBuilder builder)
    {
        builder.RequireConnectionString("redis", RedisConnectionString.FindFault);
        builder.RequireConnectionString("konstruct", PostgresConnectionString.FindFault);
        if (builder.Configuration.GetConnectionString("konstruct") is { Length: > 0 } given)
        {
            builder.Configuration["ConnectionStrings:konstruct"] = Complete(given);
        }

        builder.AddRedisClient("redis");
        builder.AddNpgsqlDbContext<ChatDbContext>("konstruct");
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddLoops();
        builder.Services.AddSingleton<TenantDb>();
        builder.Services.AddSingleton<PendingTurns>();
        builder.Services.AddSingleton<ConversationStore>();
        builder.Services.AddSingleton<TurnLog>();
        builder.Services.AddSingleton<DispatchQueue>();
    }

    /// <summary>
    /// The defaults in front: what the connection string says itself comes later, and counts. As many connections are kept as there may be: a new one costs
    /// 25 ms and plans its first turn for 14 ms more, and after five quiet minutes all would be new just when many come at once.
    /// </summary>
    private static string Complete(string given)
    {
        try
        {
            var most = new NpgsqlConnectionStringBuilder($"{ConnectionDefaults};{given}").MaxPoolSize;
            return $"{ConnectionDefaults};Minimum Pool Size={most};{given}";
        }
        catch (ArgumentException)
        {
            return given; // Not a connection string: the validation at the start says so.
        }
    }

    /// <summary>Sockets, turns, and what keeps them right.</summary>
    public static void AddChat(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<ChatOptions>().BindConfiguration(ChatOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<WebSocketOptions>().Configure<IOptions<ChatOptions>>((sockets, chat) =>
        {
            sockets.KeepAliveInterval = chat.Value.PingInterval;
            sockets.KeepAliveTimeout = chat.Value.PongTimeout;
        });
        services.AddLoops();
        services.AddSingleton<GatewayMetrics>();
        services.AddSingleton<Stopping>();
        services.AddSingleton<OwnedTasks>();
        services.AddSingleton<Settling>();
        services.AddSingleton<TurnFinisher>();
        services.AddSingleton<DeadLetters>();
        services.AddSingleton<AttemptDispatcher>();
        services.AddSingleton<TurnRepair>();
        services.AddSingleton<StaleEntries>();
        services.AddSingleton<ConversationFeeds>();
        services.AddSingleton<TabOpener>();
        services.AddSingleton<TurnStarter>();
        services.AddSingleton<TurnCanceller>();
        services.AddSingleton<SocketServices>();
        services.AddSingleton<OpenSockets>();
        services.AddSingleton<SendQueues>();
        services.AddSingleton<ChatEndpoint>();

        // The last to be started is the first to be stopped: the drain comes before anything else ends.
        services.AddSingleton<GatewayTrial>();
        services.AddSingleton<Readiness>();
        services.AddHostedService(provider => provider.GetRequiredService<Readiness>());
        services.AddHostedService<GuardWatch>();
        services.AddHostedService<Sweeper>();
        services.AddHostedService<TurnWatch>();
        services.AddHostedService<SocketWatch>();
        services.AddHostedService<Drain>();
        services.AddHealthChecks().AddCheck<Readiness>("gateway", tags: [ServiceDefaultsExtensions.ReadyTag]);
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(25));
    }
}
