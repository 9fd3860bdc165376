using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using StackExchange.Redis;
using Xunit;

namespace Konstruct.Tests.ServiceDefaults;

/// <summary>AddRedisClient and AddNpgsqlDbContext behave the same whether they are Aspire's or ours: this class runs in both builds.</summary>
public sealed class ClientTests
{
    /// <summary>Loopback, and nobody listens.</summary>
    private const string NoServer = "127.0.0.1:1,connectTimeout=100,connectRetry=0";

    [Fact]
    public async Task A_redis_that_is_not_there_yet_is_waited_for()
    {
        await using var services = Build(builder => builder.AddRedisClient("redis"), ("redis", NoServer));

        using var redis = services.GetRequiredService<IConnectionMultiplexer>();

        Assert.False(redis.IsConnected);
    }

    [Fact]
    public async Task The_redis_options_can_be_changed()
    {
        await using var services = Build(
            builder => builder.AddRedisClient("redis", configureOptions: options => options.ClientName = "tests"), ("redis", NoServer));

        using var redis = services.GetRequiredService<IConnectionMultiplexer>();

        Assert.Equal("tests", redis.ClientName);
    }

    [Fact]
    public async Task A_context_is_pooled_and_retries_and_can_be_changed()
    {
        await using var services = Build(
            builder => builder.AddNpgsqlDbContext<Empty>("konstruct", configureDbContextOptions: options => options.UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking)),
            ("konstruct", "Host=127.0.0.1;Port=1"));

        Guid first;
        using (var scope = services.CreateScope())
        {
            var context = scope.ServiceProvider.GetRequiredService<Empty>();
            first = context.ContextId.InstanceId;
            Assert.True(context.Database.CreateExecutionStrategy().RetriesOnFailure);
            Assert.Equal(QueryTrackingBehavior.NoTracking, context.ChangeTracker.QueryTrackingBehavior);
        }
        using (var scope = services.CreateScope())
            Assert.Equal(first, scope.ServiceProvider.GetRequiredService<Empty>().ContextId.InstanceId);
    }

    [Fact]
    public async Task Both_stores_have_a_health_check()
    {
        await using var services = Build(
            builder =>
            {
                builder.AddRedisClient("redis");
                builder.AddNpgsqlDbContext<Empty>("konstruct");
            },
            ("redis", NoServer), ("konstruct", "Host=127.0.0.1;Port=1;Timeout=1"));

        var report = await services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestContext.Current.CancellationToken);

        Assert.Equal(HealthStatus.Unhealthy, report.Entries["Empty"].Status);
        Assert.Equal(HealthStatus.Unhealthy, report.Entries["StackExchange.Redis"].Status);
    }

    [Fact]
    public async Task A_connection_string_that_is_missing_is_named()
    {
        await using var services = Build(builder =>
        {
            builder.AddRedisClient("redis");
            builder.AddNpgsqlDbContext<Empty>("konstruct");
        });

        Assert.Contains("redis", Assert.Throws<InvalidOperationException>(services.GetRequiredService<IConnectionMultiplexer>).Message, StringComparison.Ordinal);
        using var scope = services.CreateScope();
        Assert.Contains("konstruct", Assert.Throws<InvalidOperationException>(scope.ServiceProvider.GetRequiredService<Empty>).Message, StringComparison.Ordinal);
    }

    private static ServiceProvider Build(Action<WebApplicationBuilder> add, params (string Name, string Value)[] connectionStrings)
    {
        var builder = Service.Builder();
        foreach (var (name, value) in connectionStrings)
            builder.Configuration[$"ConnectionStrings:{name}"] = value;
        add(builder);
        return builder.Services.BuildServiceProvider();
    }

    internal sealed class Empty(DbContextOptions<Empty> options) : DbContext(options);
}
