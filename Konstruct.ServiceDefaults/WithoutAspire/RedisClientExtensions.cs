using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Microsoft.Extensions.Hosting;

/// <summary>Stands in for the package Aspire.StackExchange.Redis where the NuGet feed lacks it: same name, same defaults.</summary>
public static class RedisClientExtensions
{
    /// <summary>The name of the health check, as Aspire names it.</summary>
    public const string HealthCheckName = "StackExchange.Redis";

    /// <summary>Adds one <see cref="IConnectionMultiplexer"/> for the process, and a health check that pings the servers.</summary>
    /// <param name="builder">The service.</param>
    /// <param name="connectionName">The entry of the section ConnectionStrings that holds the address, password and options.</param>
    /// <param name="configureOptions">Changes the options that were read. Pass it by name: Aspire has a delegate over settings before it.</param>
    /// <exception cref="InvalidOperationException">When the connection is asked for: there is no such entry.</exception>
    public static void AddRedisClient(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<ConfigurationOptions>? configureOptions = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);

        builder.Services.AddSingleton<IConnectionMultiplexer>(services =>
        {
            var options = Options(builder.Configuration.GetRequiredConnectionString(connectionName));
            options.LoggerFactory ??= services.GetService<ILoggerFactory>();
            configureOptions?.Invoke(options);
            return ConnectionMultiplexer.Connect(options);
        });
        builder.Services.AddHealthChecks().AddCheck<RedisHealthCheck>(HealthCheckName);
    }

    /// <summary>Reads a connection string; the client goes on trying where it cannot connect at once, unless the string says otherwise.</summary>
    internal static ConfigurationOptions Options(string connectionString)
    {
        return connectionString.Contains("abortConnect", StringComparison.OrdinalIgnoreCase)
            ? ConfigurationOptions.Parse(connectionString)
            : ConfigurationOptions.Parse($"{connectionString},abortConnect=false");
    }
}
