using Konstruct.Tests.Auth;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Hosting;

/// <summary>A gateway that would let everybody in, or nobody, does not start: one sentence, exit code 1, no stack trace.</summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class StartTests(UsualPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    [Theory]
    [InlineData("Auth:LetAnyoneClaimAnyTenant", "ASPNETCORE_ENVIRONMENT=Production", "Auth__Mode=Trusted")]
    [InlineData("Auth:Jwt:SigningKey", "ASPNETCORE_ENVIRONMENT=Production")]
    [InlineData("Auth:Jwt:SigningKey is too short", "Auth__Mode=Jwt", "Auth__Jwt__SigningKey=short")]
    [InlineData("Auth:Jwt:Authority", "Auth__Mode=Jwt", "Auth__Jwt__Authority=portal")]
    [InlineData("https", "ASPNETCORE_ENVIRONMENT=Production", "Auth__Jwt__Authority=http://portal.example")]
    [InlineData("Auth:Jwt:Audience", "Auth__Mode=Jwt", "Auth__Jwt__SigningKey=01234567890123456789012345678901", "Auth__Jwt__Audience= ")]
    [InlineData("Auth:Jwt:Issuer", "Auth__Mode=Jwt", "Auth__Jwt__SigningKey=01234567890123456789012345678901", "Auth__Jwt__Issuer= ")]
    [InlineData("Auth:ExpiryGrace", "Auth__ExpiryGrace=-00:00:01")]
    [InlineData("Edge:AllowedOrigins holds 'portal.example'", "Edge__AllowedOrigins=https://ok.example;portal.example")]
    [InlineData("Edge:AllowedOrigins holds 'https://portal.example/chat'", "Edge__AllowedOrigins=https://portal.example/chat")]
    [InlineData("MaxSockets", "Edge__MaxSockets=0")]
    [InlineData("MessageBurst", "Edge__MessageBurst=0")]
    [InlineData("MaxTextLength", "Chat__MaxTextLength=0")]
    [InlineData("MaxFrameBytes", "Chat__MaxFrameBytes=10")]
    [InlineData("Chat:AuthDeadline", "Chat__AuthDeadline=00:00:00")]
    public async Task It_says_what_to_set(string sentence, params string[] settings)
    {
        await using var gateway = await StartAsync(settings);
        await Until.TrueAsync(() => Task.FromResult(gateway.HasEnded));

        Assert.Contains(sentence, gateway.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", gateway.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trusted_can_be_had_outside_of_Development_by_saying_what_it_risks()
    {
        await using var gateway = await StartAsync("ASPNETCORE_ENVIRONMENT=Production", "Auth__Mode=Trusted", "Auth__LetAnyoneClaimAnyTenant=true");
        await gateway.WaitUntilHealthyAsync();
    }

    [Fact]
    public async Task The_command_makes_a_token_that_the_gateway_takes()
    {
        var person = Person.New();
        var key = new Dictionary<string, string> { ["Auth__Jwt__SigningKey"] = Tokens.Key };
        await using var command = await ServiceProcess.StartAsync(
            "Konstruct.Gateway",
            ["token", "--user", $"{person.User}", "--tenant", $"{person.Tenant}", "--role", "admin", "--lifetime", "00:05:00"],
            key
        );
        await Until.TrueAsync(() => Task.FromResult(command.HasEnded && command.Log.Contains("eyJ", StringComparison.Ordinal)));
        var gateway = await Pipeline.StartGatewayAsync(new Dictionary<string, string>(key) { ["Auth__Mode"] = "Jwt" });

        await using var chat = await RawChat.ConnectAsync(gateway, $"{Guid.NewGuid()}", RawChatV2.Subprotocol);
        await chat.SendAsync(
            Tokens.Frame(command.Log.Split('\n').Last(line => line.Contains("eyJ", StringComparison.Ordinal)).Trim().Split(' ')[^1])
        );
        await chat.NextAsync("ready");
    }

    [Theory]
    [InlineData("Usage", "token", "--user", "alice")]
    [InlineData(
        "Auth__Jwt__SigningKey",
        "token",
        "--user",
        "20000000-0000-4000-8000-000000000001",
        "--tenant",
        "10000000-0000-4000-8000-000000000001"
    )]
    public async Task The_command_says_what_it_lacks(string sentence, params string[] arguments)
    {
        await using var command = await ServiceProcess.StartAsync("Konstruct.Gateway", arguments, new Dictionary<string, string>());
        await Until.TrueAsync(() => Task.FromResult(command.HasEnded && command.Log.Contains(sentence, StringComparison.Ordinal)));
    }

    private Task<ServiceProcess> StartAsync(params string[] settings)
    {
        var environment = settings.Select(setting => setting.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        environment["ConnectionStrings__redis"] = Pipeline.Redis.ConnectionString;
        environment["ConnectionStrings__konstruct"] = Pipeline.Database.ServingConnectionString;
        return ServiceProcess.StartAsync("Konstruct.Gateway", [], environment);
    }
}
