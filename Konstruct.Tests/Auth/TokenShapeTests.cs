using System.Net;
using System.Net.Http.Headers;
using Konstruct.Gateway.Protocol;
using Konstruct.Tests.Edge;
using Konstruct.Tests.Harness;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Xunit;

namespace Konstruct.Tests.Auth;

/// <summary>Tokens that are signed by the right key and are not access tokens for one user of one tenant. Socket and API answer alike.</summary>
[Trait("Tier", "Long")]
[Collection<Sharing<GuardedPipeline>>]
public sealed class TokenShapeTests(GuardedPipeline fixture) : PipelineTests(fixture)
{
    private static readonly Person Someone = Person.New();

    public static TheoryData<string, string> Refused =>
        new()
        {
            { "an unknown crit", Make(new() { ["crit"] = new[] { "exp2" }, ["exp2"] = 1 }) },
            { "an empty crit", Make(new() { ["crit"] = Array.Empty<string>() }) },
            { "a logout token", Make(type: "logout+jwt") },
            { "an id token that says so", Make(type: "id_token+jwt") },
            { "a list of one user", Make(claims: new() { ["sub"] = new[] { $"{Someone.User}" } }) },
            { "a typ that is empty", Make(type: " ") },
            { "16 KB", Make(claims: new() { ["padding"] = new string('x', 12 * 1024) }) },
            { "20 KB", Make(claims: new() { ["padding"] = new string('x', 15 * 1024) }) },
            { "HS512 with a key of 55 bytes", Hs512() },
        };

    public static TheoryData<string, string> Ambiguous =>
        new()
        {
            { "two tenants", Make(claims: new() { ["tenant_id"] = new[] { $"{Someone.Tenant}", $"{Guid.NewGuid()}" } }) },
            { "a list of one tenant", Make(claims: new() { ["tenant_id"] = new[] { $"{Someone.Tenant}" } }) },
            { "a tenant that is an object", Make(claims: new() { ["tenant_id"] = new Dictionary<string, object> { ["id"] = $"{Someone.Tenant}" } }) },
            { "the tenant twice", Twice("tenant_id") },
        };

    public static TheoryData<string, string> Accepted =>
        new()
        {
            { "JWT", Make() },
            { "jwt", Make(type: "jwt") },
            { "at+jwt", Make(type: "at+jwt") },
            { "application/at+jwt", Make(type: "application/at+jwt") },
            { "no typ", WithoutType() },
            { "just under 16 KB", Make(claims: new() { ["padding"] = new string('x', 11 * 1024) }) },
            { "HS384 with a key of 55 bytes", Make(algorithm: SecurityAlgorithms.HmacSha384) },
        };

    [Theory]
    [MemberData(nameof(Refused))]
    public Task It_is_refused(string what, string token) => RefusedAsync(what, token, WireError.AuthInvalidToken);

    [Theory]
    [MemberData(nameof(Ambiguous))]
    public Task Ids_that_are_not_one_string_each_are_refused(string what, string token) => RefusedAsync(what, token, WireError.AuthInvalidId);

    [Theory]
    [MemberData(nameof(Accepted))]
    public async Task It_is_accepted(string what, string token)
    {
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}", RawChatV2.Subprotocol);
        await chat.SendAsync(Tokens.Frame(token));
        await chat.NextAsync("ready");
        Assert.True(await StatusAsync(token) == HttpStatusCode.OK, what);
    }

    /// <summary>The key that the AppHost generates has 64 characters; each of the algorithms takes it.</summary>
    [Theory]
    [InlineData(SecurityAlgorithms.HmacSha256)]
    [InlineData(SecurityAlgorithms.HmacSha384)]
    [InlineData(SecurityAlgorithms.HmacSha512)]
    public async Task A_key_as_long_as_the_generated_one_serves_every_algorithm(string algorithm)
    {
        var key = new string('k', 64);
        var gateway = await Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["Auth__Jwt__SigningKey"] = key });
        await using var chat = await RawChat.ConnectAsync(gateway, $"{Guid.NewGuid()}", RawChatV2.Subprotocol);
        await chat.SendAsync(Tokens.Frame(Make(algorithm: algorithm, key: Tokens.SymmetricKey(key))));
        await chat.NextAsync("ready");
        await gateway.TerminateAsync();
    }

    [Fact]
    public async Task The_log_says_why_an_algorithm_is_refused()
    {
        var gateway = await Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["Logging__LogLevel__Konstruct.Gateway.Auth"] = "Debug" });
        await using var chat = await RawChat.ConnectAsync(gateway, $"{Guid.NewGuid()}");
        await chat.SendAsync(Tokens.Frame(Hs512()));
        await chat.ExpectErrorAsync();
        await Until.TrueAsync(() => Task.FromResult(gateway.Log.Contains("HS512 one of 64", StringComparison.Ordinal)));
        await gateway.TerminateAsync();
    }

    private async Task RefusedAsync(string what, string token, WireError error)
    {
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}");
        await chat.SendAsync(Tokens.Frame(token));
        Assert.True(await chat.ExpectErrorAsync() == error.Message, what);
        await chat.ExpectCloseAsync(CloseCodes.AuthenticationFailed);
        Assert.True(await StatusAsync(token) == HttpStatusCode.Unauthorized, what);
    }

    private async Task<HttpStatusCode> StatusAsync(string token)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var response = await http.GetAsync(
            new Uri($"http://127.0.0.1:{Gateway.Port}/chat/conversations"),
            TestContext.Current.CancellationToken
        );
        return response.StatusCode;
    }

    private static string Make(
        Dictionary<string, object>? header = null,
        Dictionary<string, object>? claims = null,
        string? type = null,
        string algorithm = SecurityAlgorithms.HmacSha256,
        SecurityKey? key = null
    )
    {
        var all = Tokens.Claims(Someone);
        foreach (var (name, value) in claims ?? [])
        {
            all[name] = value;
        }

        return new JsonWebTokenHandler().CreateToken(
            new SecurityTokenDescriptor
            {
                Issuer = Tokens.Issuer,
                Audience = Tokens.Audience,
                Expires = DateTime.UtcNow.AddHours(1),
                Claims = all,
                TokenType = type,
                AdditionalHeaderClaims = header,
                SigningCredentials = new(key ?? Tokens.SymmetricKey(), algorithm),
            }
        );
    }

    /// <summary>The library signs with no key that is too short.</summary>
    private static string Hs512()
    {
        var signed = $"{Base64UrlEncoder.Encode("""{"alg":"HS512","typ":"JWT"}""")}.{Make().Split('.')[1]}";
        var signature = System.Security.Cryptography.HMACSHA512.HashData(
            System.Text.Encoding.UTF8.GetBytes(Tokens.Key),
            System.Text.Encoding.ASCII.GetBytes(signed)
        );
        return $"{signed}.{Base64UrlEncoder.Encode(signature)}";
    }

    private static string WithoutType() => Sign("""{"alg":"HS256"}""", Base64UrlEncoder.Decode(Make().Split('.')[1]));

    private static string Twice(string claim) =>
        Sign(
            """{"alg":"HS256","typ":"JWT"}""",
            Base64UrlEncoder.Decode(Make().Split('.')[1]).Replace("{", $$"""{"{{claim}}":"{{Guid.NewGuid()}}",""", StringComparison.Ordinal)
        );

    private static string Sign(string header, string payload)
    {
        var signed = $"{Base64UrlEncoder.Encode(header)}.{Base64UrlEncoder.Encode(payload)}";
        var signature = System.Security.Cryptography.HMACSHA256.HashData(
            System.Text.Encoding.UTF8.GetBytes(Tokens.Key),
            System.Text.Encoding.ASCII.GetBytes(signed)
        );
        return $"{signed}.{Base64UrlEncoder.Encode(signature)}";
    }
}
