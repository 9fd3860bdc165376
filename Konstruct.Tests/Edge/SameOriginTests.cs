using System.Text;
using Konstruct.Gateway.Edge;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Edge;

/// <summary>Two spellings of one origin are one origin (RFC 6454), and two origins are two.</summary>
[Collection<Sharing<AnyHostPipeline>>]
public sealed class SameOriginTests(AnyHostPipeline fixture) : PipelineTests(fixture)
{
    [Theory]
    [InlineData("https://chat.example", "chat.example:443", true)]
    [InlineData("https://chat.example:443", "chat.example", true)]
    [InlineData("http://chat.example", "chat.example:80", true)]
    [InlineData("https://CHAT.example", "Chat.EXAMPLE", true)]
    [InlineData("https://xn--mnchen-3ya.example", "xn--mnchen-3ya.example", true)]
    [InlineData("https://xn--mnchen-3ya.example", "XN--MNCHEN-3YA.example:443", true)]
    [InlineData("http://[::1]:5180", "[::1]:5180", true)]
    [InlineData("https://chat.example:8443", "chat.example", false)]
    [InlineData("https://chat.example", "chat.example:80", false)]
    [InlineData("https://chat.example", "chat.example.evil.example", false)]
    [InlineData("https://chat.example/", "chat.example", false)]
    [InlineData("https://user@chat.example", "chat.example", false)]
    [InlineData("https://chat.example", "", false)]
    [InlineData("null", "null", false)]
    public async Task A_page_of_the_gateways_own_address_may_connect_however_the_address_is_spelled(string origin, string host, bool mayConnect)
    {
        var answer = await UpgradeAsync(host, origin);
        Assert.StartsWith(mayConnect ? "HTTP/1.1 101 " : "HTTP/1.1 403 ", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://münchen.example", "https://xn--mnchen-3ya.example", true)]
    [InlineData("https://MÜNCHEN.example", "https://xn--mnchen-3ya.example", true)]
    [InlineData("https://xn--mnchen-3ya.example", "https://münchen.example", true)]
    [InlineData("https://portal.example:443", "https://portal.example", true)]
    [InlineData("https://portal.example", "https://portal.example:443", true)]
    [InlineData("https://münchen.example:*", "https://xn--mnchen-3ya.example:8443", true)]
    [InlineData("https://muenchen.example", "https://xn--mnchen-3ya.example", false)]
    [InlineData("https://portal.example:80", "https://portal.example", false)]
    public void The_list_knows_an_origin_in_every_spelling(string list, string origin, bool isListed)
    {
        var (patterns, wrong) = OriginPattern.ParseList(list);

        Assert.Null(wrong);
        Assert.Equal(isListed, patterns.Any(pattern => pattern.Matches(origin)));
    }

    [Theory]
    [InlineData("https://portal.example/chat")]
    [InlineData("portal.example")]
    [InlineData("ftp://portal.example")]
    [InlineData("https://a@portal.example")]
    [InlineData("https://portal.example?x")]
    [InlineData("https://*.example")]
    public void An_entry_that_is_no_origin_is_named(string entry) => Assert.Equal(entry, OriginPattern.ParseList($"https://a.example;{entry}").Wrong);

    /// <summary>The head of the answer.</summary>
    private async Task<string> UpgradeAsync(string host, string origin)
    {
        await using var raw = await RawSocket.ConnectAsync(Gateway.Port);
        await raw.WriteAsync(
            Encoding.ASCII.GetBytes($"GET /chat/ws/{Guid.NewGuid()} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n{RawSocket.Upgrade}\r\n")
        );
        return await raw.ReadHeadAsync();
    }
}
