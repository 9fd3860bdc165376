using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Streaming;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Konstruct.Gateway.Turns.Celery;

/// <summary>Registers the dispatch to a Celery queue.</summary>
internal static class CeleryServices
{
    public static void AddCelery(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        var hasBroker = !string.IsNullOrWhiteSpace(builder.Configuration.GetConnectionString(CeleryOptions.Connection));
        if (hasBroker)
        {
            builder.RequireConnectionString(CeleryOptions.Connection, RedisConnectionString.FindFault);
            builder.AddKeyedRedisClient(CeleryOptions.Connection, settings => settings.DisableHealthChecks = true);
        }

        services.AddSingleton(provider => new CeleryBroker(
            hasBroker
                ? provider.GetRequiredKeyedService<IConnectionMultiplexer>(CeleryOptions.Connection)
                : provider.GetRequiredService<IConnectionMultiplexer>(),
            provider.GetRequiredService<IOptions<DispatchOptions>>(),
            provider.GetRequiredService<IOptions<ChatOptions>>()
        ));
        services.AddSingleton<ListenedTurns>();
        services.AddSingleton<ILegacyListener>(provider => provider.GetRequiredService<ListenedTurns>());
        services.AddSingleton<ListeningLog>();
        services.AddSingleton<LegacyListener>();
        services.AddSingleton<ITurnDispatcher, CeleryDispatcher>();
        services.AddHostedService<ListenerWatch>();
    }
}
