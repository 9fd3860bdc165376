using System.Net;
using Konstruct.Tests.Clients;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Page;

/// <summary>How the page is served: with headers that bind it, and in Development alone.</summary>
[Collection<Sharing<PagePipeline>>]
public sealed class EndpointTests(PagePipeline fixture) : PipelineTests(fixture)
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(20) };

    [Theory]
    [InlineData("/", "text/html")]
    [InlineData("/page/main.js", "text/javascript")]
    [InlineData("/page/client/client.js", "text/javascript")]
    [InlineData("/page/page.css", "text/css")]
    [InlineData("/page/icon.svg", "image/svg+xml")]
    [InlineData("/page/settings.json", "application/json")]
    public async Task Each_file_has_its_type_and_the_pages_policy(string path, string type)
    {
        using var response = await GetAsync(Gateway, path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(type, response.Content.Headers.ContentType!.MediaType);
        var policy = Assert.Single(response.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("default-src 'none'; script-src 'self';", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.Contains("require-trusted-types-for 'script'", policy, StringComparison.Ordinal);
        Assert.Equal(["nosniff"], response.Headers.GetValues("X-Content-Type-Options"));
        Assert.Equal(["no-referrer"], response.Headers.GetValues("Referrer-Policy"));
    }

    [Fact]
    public async Task A_file_that_did_not_change_is_not_sent_again()
    {
        using var first = await GetAsync(Gateway, "/page/main.js");
        using var again = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://127.0.0.1:{Gateway.Port}/page/main.js"));
        again.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using var second = await Http.SendAsync(again, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
    }

    [Theory]
    [InlineData("/page/none.js")]
    [InlineData("/page/")]
    [InlineData("/page/..%2fappsettings.json")]
    [InlineData("/appsettings.json")]
    public async Task Nothing_else_is_served(string path)
    {
        using var response = await GetAsync(Gateway, path);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task Outside_of_Development_there_is_no_page()
    {
        var deployed = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string>(ClientPipeline.WithTokens) { ["ASPNETCORE_ENVIRONMENT"] = "Production" }
        );
        foreach (var path in new[] { "/", "/page/main.js", "/page/settings.json" })
        {
            using var response = await GetAsync(deployed, path);
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        }
    }

    private static Task<HttpResponseMessage> GetAsync(ServiceProcess gateway, string path) =>
        Http.GetAsync(new Uri($"http://127.0.0.1:{gateway.Port}{path}"), TestContext.Current.CancellationToken);
}
