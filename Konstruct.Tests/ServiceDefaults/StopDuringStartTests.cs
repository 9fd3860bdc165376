using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Konstruct.Tests.ServiceDefaults;

/// <summary>
/// Random faults found it: a worker that was asked to stop while it started ended with an unhandled exception. The check whether it was being stopped asked
/// the application, which had been disposed.
/// </summary>
public sealed class StopDuringStartTests
{
    [Fact]
    public async Task A_service_that_is_stopped_while_it_starts_ends_in_order()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddHostedService<StopsWhatStarts>();

        Assert.Equal(0, await builder.RunToEndAsync(_ => { }));
    }

    private sealed class StopsWhatStarts(IHostApplicationLifetime lifetime) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            lifetime.StopApplication();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
