using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Konstruct.Gateway.Protocol;
using Konstruct.Tests.Edge;
using Konstruct.Tests.Harness;
using Microsoft.IdentityModel.Tokens;
using Xunit;

namespace Konstruct.Tests.Auth;

/// <summary>Tokens instead of claims: what lets a socket in, what does not, and what happens when they expire.</summary>
[Collection<Sharing<GuardedPipeline>>]
public sealed class TokenTests(GuardedPipeline fixture) : PipelineTests(fixture)
{
    private static readonly Person Someone = Person.New();

    /// <summary>Made when the run begins, which may be long before they are used.</summary>
    public static TheoryData<string, string> BadTokens =>
        new()
        {
            { "none", """{"type":"auth"}""" },
            { "empty", Tokens.Frame("") },
            { "a number", """{"type":"auth","token":7}""" },
            { "no token", Tokens.Frame("hello") },
            { "the original's claims alone", Someone.Auth },
            {
                "another key",
                Tokens.Frame(Tokens.Make(Tokens.Claims(Someone), key: Tokens.SymmetricKey("another key, as long as the one of the gateway")))
            },
            { "no signature", Tokens.Frame(WithoutSignature(Tokens.For(Someone))) },
            { "alg none", Tokens.Frame($"eyJhbGciOiJub25lIn0.{Tokens.For(Someone).Split('.')[1]}.") },
            {
                "another algorithm",
                Tokens.Frame(Tokens.Make(Tokens.Claims(Someone), key: new RsaSecurityKey(RSA.Create(2048)), algorithm: SecurityAlgorithms.RsaSha256))
            },
            { "a changed claim", Tokens.Frame(WithChangedClaims(Tokens.For(Someone))) },
            { "another issuer", Tokens.Frame(Tokens.Make(Tokens.Claims(Someone), issuer: "somebody")) },
            { "another audience", Tokens.Frame(Tokens.Make(Tokens.Claims(Someone), audience: "another service")) },
            { "expired", Tokens.Frame(Tokens.For(Someone, TimeSpan.FromSeconds(-5))) },
            { "not yet valid", Tokens.Frame(Tokens.Make(Tokens.Claims(Someone), TimeSpan.FromDays(2), from: DateTime.UtcNow.AddDays(1))) },
        };

    [Theory]
    [MemberData(nameof(BadTokens))]
    public async Task A_bad_token_is_refused_with_4001_and_nothing_is_said_of_why(string what, string frame)
    {
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}");
        await chat.SendAsync(frame);

        Assert.True(await chat.ExpectErrorAsync() == WireError.AuthInvalidToken.Message, what);
        await chat.ExpectCloseAsync(CloseCodes.AuthenticationFailed);
    }

    [Theory]
    [InlineData("sub", "alice")]
    [InlineData("tenant_id", "acme")]
    [InlineData("tenant_id", null)]
    public async Task A_token_whose_ids_are_no_UUIDs_is_told_so(string claim, string? value)
    {
        var claims = Tokens.Claims(Person.New());
        claims.Remove(claim);
        if (value is not null)
        {
            claims[claim] = value;
        }

        await using var chat = await RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}");
        await chat.SendAsync(Tokens.Frame(Tokens.Make(claims)));

        Assert.Equal(WireError.AuthInvalidId.Message, await chat.ExpectErrorAsync());
        await chat.ExpectCloseAsync(CloseCodes.AuthenticationFailed);
    }

    [Theory]
    [InlineData("userId")]
    [InlineData("tenantId")]
    [InlineData("role")]
    public async Task A_frame_that_contradicts_its_token_is_refused(string member)
    {
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}");
        await chat.SendAsync($$"""{"type":"auth","token":"{{Tokens.For(Person.New())}}","{{member}}":"{{Guid.NewGuid()}}"}""");

        Assert.Equal(WireError.AuthContradiction.Message, await chat.ExpectErrorAsync());
        await chat.ExpectCloseAsync(CloseCodes.AuthenticationFailed);
    }

    [Fact]
    public async Task The_token_says_who_it_is_in_both_versions_and_over_HTTP()
    {
        var (person, conversation) = (Person.New(), Guid.NewGuid());
        await using var v1 = await RawChat.ConnectAsync(Gateway, $"{conversation}");
        await v1.SendAsync(
            $$"""{"type":"auth","userId":"{{person.User}}","role":"member","tenantId":"{{person.Tenant}}","token":"{{Tokens.For(person)}}"}"""
        );
        await v1.SayAsync("/burst 3");
        (await v1.ReceiveTurnAsync()).AssertWhole(conversation);
        Assert.Equal(2, await Sql.MessageCountAsync(person.Tenant));

        await using var v2 = await RawChat.ConnectAsync(Gateway, $"{conversation}", RawChatV2.Subprotocol);
        await v2.SendAsync(Tokens.Frame(Tokens.For(person)));
        await v2.NextAsync("ready");

        Assert.Equal(HttpStatusCode.OK, (await GetAsync(conversation, Tokens.For(person))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(conversation, Tokens.For(Person.New()))).StatusCode);
    }

    [Fact]
    public async Task The_API_takes_no_other_word_than_a_token()
    {
        var refused = await GetAsync(Guid.NewGuid(), Tokens.For(Someone, TimeSpan.FromSeconds(-5)));
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal("Bearer", refused.Headers.WwwAuthenticate.ToString());
        Assert.Equal("application/problem+json", refused.Content.Headers.ContentType?.MediaType);

        using var request = new HttpRequestMessage(HttpMethod.Get, "/chat/conversations");
        request.Headers.Add("X-User-Id", $"{Someone.User}");
        request.Headers.Add("X-Tenant-Id", $"{Someone.Tenant}");
        using var http = Http();
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.SendAsync(request, TestContext.Current.CancellationToken)).StatusCode);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(RawChatV2.Subprotocol)]
    public async Task A_token_that_expires_closes_with_4010(string? subprotocol)
    {
        var person = Person.New();
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}", subprotocol);
        await chat.SendAsync(Tokens.Frame(Tokens.For(person, TimeSpan.FromSeconds(2))));
        if (subprotocol is not null)
        {
            await chat.NextAsync("ready");
        }

        await chat.ExpectCloseAsync(CloseCodes.CredentialsExpired);
    }

    [Fact]
    public async Task A_fresh_token_keeps_the_socket_open_until_that_expires()
    {
        var (person, conversation) = (Person.New(), Guid.NewGuid());
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{conversation}");
        await using var other = await RawChat.ConnectAsync(Gateway, $"{conversation}");
        await chat.SendAsync(Tokens.Frame(Tokens.For(person, TimeSpan.FromSeconds(2))));
        await other.SendAsync(Tokens.Frame(Tokens.For(person, TimeSpan.FromSeconds(2))));
        await chat.SendAsync(Tokens.Frame(Tokens.For(person, role: "admin")));

        await other.ExpectCloseAsync(CloseCodes.CredentialsExpired); // The same age, and not renewed.
        await chat.SayAsync("/burst 3");
        (await chat.ReceiveTurnAsync()).AssertWhole(conversation);
    }

    [Fact]
    public async Task A_fresh_token_of_somebody_else_ends_the_socket()
    {
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}");
        await chat.SendAsync(Tokens.Frame(Tokens.For(Person.New())));
        await chat.SendAsync(Tokens.Frame(Tokens.For(Person.New())));
        await chat.SayAsync("/burst 3");

        Assert.Equal(WireError.AuthContradiction.Message, await chat.ExpectErrorAsync());
        await chat.ExpectCloseAsync(CloseCodes.AuthenticationFailed);
    }

    [Fact]
    public async Task A_fresh_token_that_is_none_ends_the_socket_and_what_waits_is_not_accepted()
    {
        var person = Person.New();
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}");
        await chat.SendAsync(Tokens.Frame(Tokens.For(person)));
        await chat.SendAsync(Tokens.Frame("hello"));
        await chat.SayAsync("/burst 3");

        Assert.Equal(WireError.AuthInvalidToken.Message, await chat.ExpectErrorAsync());
        await chat.ExpectCloseAsync(CloseCodes.AuthenticationFailed);
        Assert.Equal(0, await Sql.MessageCountAsync(person.Tenant));
    }

    private HttpClient Http() => new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{Gateway.Port}") };

    private async Task<HttpResponseMessage> GetAsync(Guid conversation, string token)
    {
        using var http = Http();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return await http.GetAsync(new Uri($"/chat/conversations/{conversation}", UriKind.Relative));
    }

    private static string WithoutSignature(string token) => token[..(token.LastIndexOf('.') + 1)];

    private static string WithChangedClaims(string token)
    {
        var parts = token.Split('.');
        var claims = Base64UrlEncoder.Decode(parts[1]).Replace("member", "admins", StringComparison.Ordinal);
        return $"{parts[0]}.{Base64UrlEncoder.Encode(claims)}.{parts[2]}";
    }
}
