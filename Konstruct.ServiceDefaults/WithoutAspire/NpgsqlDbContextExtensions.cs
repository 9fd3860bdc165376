using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Hosting;

/// <summary>Stands in for the package Aspire.Npgsql.EntityFrameworkCore.PostgreSQL where the NuGet feed lacks it: same name, same defaults.</summary>
public static class NpgsqlDbContextExtensions
{
    /// <summary>Adds a pooled <typeparamref name="TContext"/> that retries what failed for the moment, and a health check named after it.</summary>
    /// <param name="builder">The service.</param>
    /// <param name="connectionName">The entry of the section ConnectionStrings to connect with.</param>
    /// <param name="configureDbContextOptions">Changes the options. Pass it by name: Aspire has a delegate over settings before it.</param>
    /// <exception cref="InvalidOperationException">When the first context is made: there is no such entry.</exception>
    public static void AddNpgsqlDbContext<TContext>(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<DbContextOptionsBuilder>? configureDbContextOptions = null) where TContext : DbContext
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);

        builder.Services.AddDbContextPool<TContext>(options =>
        {
            options.UseNpgsql(
                builder.Configuration.GetRequiredConnectionString(connectionName),
                npgsql => npgsql.EnableRetryOnFailure());
            configureDbContextOptions?.Invoke(options);
        });
        builder.Services.AddHealthChecks().AddCheck<DbContextHealthCheck<TContext>>(typeof(TContext).Name);
    }
}
