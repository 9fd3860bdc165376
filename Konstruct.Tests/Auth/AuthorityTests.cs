using System.Security.Cryptography;
using Konstruct.Gateway.Protocol;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;
using Xunit;

namespace Konstruct.Tests.Auth;

/// <summary>Tokens of an OpenID Connect authority: its keys are fetched, and fetched again when it changes them.</summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
[Trait("Tier", "Long")]
public sealed class AuthorityTests(UsualPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    /// <summary>An authority is asked every ten seconds at most.</summary>
    private static readonly TimeSpan AskedAgain = TimeSpan.FromSeconds(40);

    [Fact]
    public async Task Keys_come_from_the_authority_and_change_with_it()
    {
        var port = Loopback.FreePort();
        var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["Auth__Mode"] = "Jwt", ["Auth__Jwt__Authority"] = $"http://127.0.0.1:{port}" }
        );

        // An authority that does not answer is nobody's fault but its own: the client may come again.
        var (error, code) = await RefusedAsync(gateway, "hello");
        Assert.Equal((WireError.Unavailable.Message, CloseCodes.Restarting), (error, code));

        await using var authority = await Authority.StartAsync(port);
        await Until.TrueAsync(async () => await IsLetInAsync(gateway, authority.Token()), AskedAgain);

        Assert.Equal((WireError.AuthInvalidToken.Message, CloseCodes.AuthenticationFailed), await RefusedAsync(gateway, Tokens.For(Person.New())));
        Assert.Equal(
            (WireError.AuthInvalidToken.Message, CloseCodes.AuthenticationFailed),
            await RefusedAsync(gateway, authority.Token(audience: "another service"))
        );

        var before = authority.Token();
        authority.ChangeKey();
        await Until.TrueAsync(async () => await IsLetInAsync(gateway, authority.Token()), AskedAgain);
        Assert.False(await IsLetInAsync(gateway, before));
    }

    private static async Task<bool> IsLetInAsync(ServiceProcess gateway, string token)
    {
        await using var chat = await RawChat.ConnectAsync(gateway, $"{Guid.NewGuid()}", RawChatV2.Subprotocol);
        await chat.SendAsync(Tokens.Frame(token));
        return (await chat.NextAsync()).Type == "ready";
    }

    private static async Task<(string Error, int? Code)> RefusedAsync(ServiceProcess gateway, string token)
    {
        await using var chat = await RawChat.ConnectAsync(gateway, $"{Guid.NewGuid()}");
        await chat.SendAsync(Tokens.Frame(token));
        var error = await chat.ExpectErrorAsync();
        Assert.Null(await chat.ReceiveAsync());
        return (error, chat.CloseCode);
    }

    /// <summary>Metadata and keys over HTTP, as an identity provider serves them.</summary>
    private sealed class Authority(WebApplication app, string address) : IAsyncDisposable
    {
        private RsaSecurityKey _key = NewKey();

        public string Address => address;

        public static async Task<Authority> StartAsync(int port)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
            var app = builder.Build();
            var authority = new Authority(app, $"http://127.0.0.1:{port}");
            app.MapGet(
                "/.well-known/openid-configuration",
                () => Results.Json(new { issuer = authority.Address, jwks_uri = $"{authority.Address}/keys" })
            );
            app.MapGet("/keys", () => Results.Json(new { keys = new[] { authority.PublicKey() } }));
            await app.StartAsync();
            return authority;
        }

        public void ChangeKey() => _key = NewKey();

        public string Token(string audience = Tokens.Audience) =>
            Tokens.Make(Tokens.Claims(Person.New()), key: _key, algorithm: SecurityAlgorithms.RsaSha256, issuer: address, audience: audience);

        public ValueTask DisposeAsync() => app.DisposeAsync();

        private object PublicKey()
        {
            var key = _key.Rsa.ExportParameters(includePrivateParameters: false);
            return new
            {
                kty = "RSA",
                use = "sig",
                alg = "RS256",
                kid = _key.KeyId,
                n = Base64UrlEncoder.Encode(key.Modulus),
                e = Base64UrlEncoder.Encode(key.Exponent),
            };
        }

        private static RsaSecurityKey NewKey() => new(RSA.Create(2048)) { KeyId = $"{Guid.NewGuid()}" };
    }
}
