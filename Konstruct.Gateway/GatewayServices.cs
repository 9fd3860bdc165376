using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Edge;
using Konstruct.Gateway.Hosting;
using Konstruct.Gateway.Sockets;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Streaming;
using Konstruct.Gateway.Telemetry;
using Konstruct.Gateway.Turns;
using Konstruct.Gateway.Turns.Repair;
using Konstruct.ServiceDefaults.Loops;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway;

/// <summary>Registers the gateway's services.</summary>
internal static class GatewayServices
{
    /// <summary>Redis and Postgres, by their names in the application model.</summary>
    public static void AddStores(this WebApplicationBuilder builder)
    {
        builder.RequireConnectionString("redis", RedisConnectionString.FindFault);
        builder.RequireConnectionString(ServingConnection.Name, PostgresConnectionString.FindFault);
        builder.AddRedisClient("redis");
        builder.AddServingDb();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddLoops();
        builder.Services.AddSingleton<TenantDb>();
        builder.Services.AddSingleton<PendingTurns>();
        builder.Services.AddSingleton<ConversationStore>();
        builder.Services.AddSingleton<TurnLog>();
        builder.Services.AddSingleton<DispatchQueue>();
        builder.Services.AddSingleton<MessageBucket>();
    }

    /// <summary>Sockets, turns and their background services.</summary>
    public static void AddChat(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<ChatOptions>().BindConfiguration(ChatOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services
            .AddOptions<WebSocketOptions>()
            .Configure<IOptions<ChatOptions>>(
                (sockets, chat) =>
                {
                    sockets.KeepAliveInterval = chat.Value.PingInterval;
                    sockets.KeepAliveTimeout = chat.Value.PongTimeout;
                }
            );
        services.AddLoops();
        services.AddSingleton<GatewayMetrics>();
        services.AddSingleton<Stopping>();
        services.AddSingleton<BackgroundTasks>();
        services.AddSingleton<Acknowledger>();
        services.AddSingleton<TurnPersister>();
        services.AddSingleton<ITurnPersister>(provider => provider.GetRequiredService<TurnPersister>());
        services.AddSingleton<DeadLetters>();
        builder.AddDispatch();
        services.AddSingleton<TurnRepair>();
        services.AddSingleton<StaleEntries>();
        services.AddSingleton<FeedServices>();
        services.AddSingleton<FeedSubscription>();
        services.AddSingleton<ConversationFeeds>();
        services.AddSingleton<SubscriberOpener>();
        services.AddSingleton<TurnStarter>();
        services.AddSingleton<TurnCanceller>();
        services.AddSingleton<SocketServices>();
        services.AddSingleton<OpenSockets>();
        services.AddSingleton<SendQueues>();
        services.AddSingleton<ChatEndpoint>();

        // Hosted services stop in reverse order: the drain is last, so that it runs before anything else stops.
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
