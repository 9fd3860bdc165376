using Konstruct.Gateway.Storage;
using Konstruct.ServiceDefaults.Loops;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace Konstruct.Tests.Storage;

/// <summary>The way to the tables without a gateway around it.</summary>
internal static class Stores
{
    public static ServiceProvider Of(string connectionString) =>
        new ServiceCollection()
            .AddDbContextPool<ChatDbContext>(options => options.UseNpgsql(connectionString, npgsql => npgsql.EnableRetryOnFailure()))
            .AddMetrics()
            .AddLogging()
            .AddLoops()
            .BuildServiceProvider();

    public static TenantDb Tenants(this ServiceProvider stores, TimeProvider? time = null) =>
        new(stores.GetRequiredService<IServiceScopeFactory>(), time ?? TimeProvider.System);
}
