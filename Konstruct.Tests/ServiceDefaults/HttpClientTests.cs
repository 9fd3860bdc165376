using System.Net.Http.Headers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Options;
using Polly;
using Polly.Timeout;
using Xunit;

namespace Konstruct.Tests.ServiceDefaults;

public sealed class HttpClientTests
{
    /// <summary>The standard handler ended an answer that was still streaming after 30 s.</summary>
    [Theory]
    [InlineData("application/json", 10, 30)]
    [InlineData("text/event-stream", -0.001, -0.001)]
    public async Task A_call_is_timed_unless_it_streams(string accepts, double attemptSeconds, double totalSeconds)
    {
        await using var services = Service.Builder().Services.BuildServiceProvider();
        var options = services.GetRequiredService<IOptionsMonitor<HttpStandardResilienceOptions>>().Get("-standard");

        using var request = new HttpRequestMessage();
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(accepts));
        var context = ResilienceContextPool.Shared.Get(TestContext.Current.CancellationToken);
        context.SetRequestMessage(request);

        Assert.Equal(TimeSpan.FromSeconds(attemptSeconds), await options.AttemptTimeout.TimeoutGenerator!(new TimeoutGeneratorArguments(context)));
        Assert.Equal(TimeSpan.FromSeconds(totalSeconds), await options.TotalRequestTimeout.TimeoutGenerator!(new TimeoutGeneratorArguments(context)));
    }
}
