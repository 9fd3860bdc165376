using System.Text.RegularExpressions;
using Konstruct.Tests.Auth;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Clients;

/// <summary>A pipeline for the client's own tests: one gateway that believes ids, and one on the same stores that wants tokens.</summary>
public sealed class ClientPipeline(DatabaseFactory databases) : PipelineFixture(databases)
{
    /// <summary>No grace and no skew: a token's last second is its last.</summary>
    public static IReadOnlyDictionary<string, string> WithTokens { get; } =
        new Dictionary<string, string>
        {
            ["Auth__Mode"] = "Jwt",
            ["Auth__Jwt__SigningKey"] = Tokens.Key,
            ["Auth__Jwt__ClockSkew"] = "00:00:00",
            ["Auth__ExpiryGrace"] = "00:00:00",
        };

    private protected override Dictionary<string, string> Settings => new() { ["Chat__CreateMissingConversations"] = "true" };

    private protected override Task StartAsync()
    {
        Requirement.Node.Require();
        return base.StartAsync();
    }
}

/// <summary>The client's tests are JavaScript and run under Node: <c>clients/typescript/test</c>.</summary>
[Trait("Tier", "Long")]
public sealed partial class NodeTests(ClientPipeline fixture) : PipelineTests(fixture), IClassFixture<ClientPipeline>
{
    /// <summary>What the client decides by itself, that every wait of it ends, and the class of the package ws.</summary>
    [Theory]
    [InlineData("policy.test.mjs")]
    [InlineData("waits.test.mjs")]
    [InlineData("ws.test.mjs")]
    [InlineData("ai-sdk.test.mjs")]
    public Task The_client_without_a_gateway(string file) => RunAsync(file, new Dictionary<string, string?>());

    /// <summary>A gateway whose ping interval is two seconds, and a network that drops all bytes.</summary>
    [Fact]
    public async Task A_broken_network_is_noticed_within_the_ping_interval()
    {
        var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["Chat__PingInterval"] = "00:00:02", ["Chat__PongTimeout"] = "00:00:01" }
        );
        await RunAsync(
            "network.test.mjs",
            new Dictionary<string, string?> { ["KONSTRUCT_GATEWAY_PING"] = $"http://127.0.0.1:{gateway.Port}", ["KONSTRUCT_PING_MS"] = "2000" }
        );
    }

    [Fact]
    public async Task The_client_against_a_real_gateway()
    {
        var withTokens = await Pipeline.StartGatewayAsync(ClientPipeline.WithTokens);
        await RunAsync(
            "gateway.test.mjs",
            new Dictionary<string, string?>
            {
                ["KONSTRUCT_GATEWAY"] = $"http://127.0.0.1:{Gateway.Port}",
                ["KONSTRUCT_GATEWAY_JWT"] = $"http://127.0.0.1:{withTokens.Port}",
                ["KONSTRUCT_SIGNING_KEY"] = Tokens.Key,
            }
        );
    }

    /// <summary>Node 20 has a WebSocket behind this switch; later ones take it and need it not.</summary>
    private static async Task RunAsync(string file, Dictionary<string, string?> environment)
    {
        var (exitCode, output) = await NodeTools.RunAsync(
            Requirement.Node.Require(),
            ["--experimental-websocket", "--test", "--test-timeout=90000", "--test-reporter=spec", Path.Combine("test", file)],
            await NodeTools.ClientCopyAsync(),
            environment
        );
        TestContext.Current.TestOutputHelper?.WriteLine(output);
        Assert.True(exitCode == 0, output);

        // Node is content with a file without a test.
        Assert.True(int.Parse(Passed().Match(output).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) >= 5, output);
    }

    [GeneratedRegex(@"^\S* ?pass (\d+)", RegexOptions.Multiline)]
    private static partial Regex Passed();
}
