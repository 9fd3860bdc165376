using System.Net;
using System.Net.WebSockets;
using Konstruct.Gateway.Edge;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Edge;

/// <summary>Which web pages may come: browsers let any page open a socket anywhere, so it is the gateway that asks.</summary>
[Collection<Sharing<GuardedPipeline>>]
public sealed class OriginTests(GuardedPipeline fixture) : PipelineTests(fixture)
{
    [Theory]
    [InlineData("https://portal.example", true)]
    [InlineData("HTTPS://Portal.Example", true)]
    [InlineData("http://localhost:5173", true)]
    [InlineData("http://localhost", true)]
    [InlineData("self", true)]
    [InlineData(null, true)]
    [InlineData("http://portal.example", false)]
    [InlineData("https://portal.example:8443", false)]
    [InlineData("https://portal.example.evil.example", false)]
    [InlineData("https://evil.example/https://portal.example", false)]
    [InlineData("http://localhost.evil.example:80", false)]
    [InlineData("https://sub.portal.example", false)]
    [InlineData("null", false)]
    [InlineData("file://", false)]
    public async Task A_page_may_connect_when_it_is_listed_or_the_gateway_s_own(string? origin, bool mayConnect)
    {
        var sent = origin == "self" ? $"http://127.0.0.1:{Gateway.Port}" : origin;
        if (mayConnect)
        {
            await using var chat = await RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}", origin: sent);
            return;
        }

        var refused = await Assert.ThrowsAsync<WebSocketException>(() => RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}", origin: sent));
        Assert.Contains("403", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_without_an_Origin_may_be_refused_as_well()
    {
        var gateway = await Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["Edge__AllowMissingOrigin"] = "false" });
        await Assert.ThrowsAsync<WebSocketException>(() => RawChat.ConnectAsync(gateway, $"{Guid.NewGuid()}"));
        await using var chat = await RawChat.ConnectAsync(gateway, $"{Guid.NewGuid()}", origin: "https://portal.example");
    }

    [Theory]
    [InlineData("https://portal.example", true)]
    [InlineData("https://evil.example", false)]
    public async Task The_API_lets_the_same_pages_read_its_answers(string origin, bool mayRead)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var preflight = new HttpRequestMessage(HttpMethod.Options, $"http://127.0.0.1:{Gateway.Port}/chat/conversations");
        preflight.Headers.Add("Origin", origin);
        preflight.Headers.Add("Access-Control-Request-Method", "POST");
        preflight.Headers.Add("Access-Control-Request-Headers", "authorization,content-type");
        using var answer = await http.SendAsync(preflight, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(mayRead ? [origin] : [], answer.Headers.TryGetValues("Access-Control-Allow-Origin", out var values) ? values : []);
        Assert.False(answer.Headers.Contains("Server"));
    }

    [Theory]
    [InlineData("*", "https://anything.example", true)]
    [InlineData("", "https://anything.example", false)]
    [InlineData("https://a.example ; https://b.example", "https://b.example", true)]
    [InlineData("http://localhost:*", "http://localhost:65535", true)]
    [InlineData("http://localhost:*", "https://localhost:1", false)]
    [InlineData("http://[::1]:*", "http://[::1]:5173", true)]
    public void The_list_is_read_as_written(string list, string origin, bool isListed)
    {
        var (patterns, wrong) = OriginPattern.ParseList(list);

        Assert.Null(wrong);
        Assert.Equal(isListed, patterns.Any(pattern => pattern.Matches(origin)));
    }
}
