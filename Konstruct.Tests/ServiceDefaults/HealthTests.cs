using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace Konstruct.Tests.ServiceDefaults;

public sealed class HealthTests
{
    private HealthStatus _store = HealthStatus.Healthy;
    private HealthStatus _draining = HealthStatus.Healthy;

    [Fact]
    public async Task Health_and_alive_answer_in_production_with_the_bare_status()
    {
        await using var service = await StartAsync();

        Assert.Equal("200 Healthy", await service.GetAsync("/health"));
        Assert.Equal("200 Healthy", await service.GetAsync("/alive"));
    }

    [Fact]
    public async Task Probes_need_no_credentials_where_everything_else_does()
    {
        var builder = Builder();
        builder.Services.AddAuthentication().AddCookie();
        builder.Services.AddAuthorizationBuilder().SetFallbackPolicy(new AuthorizationPolicyBuilder("Cookies").RequireAuthenticatedUser().Build());
        await using var service = await Service.StartAsync(builder, app => app.UseAuthentication().UseAuthorization());

        Assert.Equal("200 Healthy", await service.GetAsync("/health"));
        Assert.Equal("200 Healthy", await service.GetAsync("/alive"));
    }

    [Fact]
    public async Task A_service_is_alive_but_not_ready_before_its_stores_are_there()
    {
        _store = HealthStatus.Unhealthy;
        await using var service = await StartAsync();

        Assert.Equal("503 Unhealthy", await service.GetAsync("/health"));
        Assert.Equal("200 Healthy", await service.GetAsync("/alive"));
    }

    /// <summary>All replicas share the store: taking each out would close every open socket for nothing.</summary>
    [Fact]
    public async Task A_store_that_goes_away_later_leaves_the_service_ready()
    {
        await using var service = await StartAsync();
        Assert.Equal("200 Healthy", await service.GetAsync("/health"));

        _store = HealthStatus.Unhealthy;
        Assert.Equal("200 Healthy", await service.GetAsync("/health"));
    }

    /// <summary>Aspire's check of Postgres retries for a minute where nothing answers; probes give up long before.</summary>
    [Fact]
    public async Task A_check_that_hangs_fails_after_two_seconds_whoever_added_it()
    {
        var builder = Builder();
        builder
            .Services.AddHealthChecks()
            .AddAsyncCheck(
                "hangs",
                async cancellation =>
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
                    return HealthCheckResult.Healthy();
                }
            );
        await using var service = await Service.StartAsync(builder);

        Assert.Equal("503 Unhealthy", await service.GetAsync("/health").WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_check_tagged_ready_decides_alone_and_always()
    {
        var builder = Builder();
        builder.Services.AddHealthChecks().AddCheck("draining", () => new HealthCheckResult(_draining), [ServiceDefaultsExtensions.ReadyTag]);
        _store = HealthStatus.Unhealthy;
        await using var service = await Service.StartAsync(builder);
        Assert.Equal("200 Healthy", await service.GetAsync("/health"));

        _draining = HealthStatus.Unhealthy;
        Assert.Equal("503 Unhealthy", await service.GetAsync("/health"));
        Assert.Equal("200 Healthy", await service.GetAsync("/alive"));
    }

    private Task<Service> StartAsync() => Service.StartAsync(Builder());

    private WebApplicationBuilder Builder()
    {
        var builder = Service.Builder();
        builder.Services.AddHealthChecks().AddCheck("store", () => new HealthCheckResult(_store, "what only we should know"));
        return builder;
    }
}
