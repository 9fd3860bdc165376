using Konstruct.AppHost;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Aspire;

/// <summary>The dashboard's commands, as far as they are ours: a message to a real gateway, and the sentence that the person is shown.</summary>
[Collection<UsualOnRedis>]
public sealed class ScenarioTests(UsualPipelineOnRedis fixture) : PipelineTests(fixture)
{
    [Theory]
    [InlineData("burst", "The turn completed after 100 chunks.")]
    [InlineData("fail", "The turn failed after 5 chunks.")]
    [InlineData("unicode", "The turn completed after 30 chunks.")]
    public async Task A_scenario_is_sent_and_its_end_is_told(string name, string sentence)
    {
        Assert.Equal((true, sentence), await Start(name, Gateway.Port));
    }

    [Fact]
    public async Task A_gateway_that_is_not_there_is_a_sentence()
    {
        var (accepted, sentence) = await Start("chat", Loopback.FreePort());

        Assert.False(accepted);
        Assert.StartsWith("The gateway cannot be reached", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Commands_have_names_of_their_own() => Assert.Distinct(Scenario.All.Select(scenario => scenario.Name));

    private static Task<(bool Accepted, string Sentence)> Start(string name, int port) =>
        Scenario.All.Single(scenario => scenario.Name == name).StartAsync(new Uri($"http://127.0.0.1:{port}"), TestContext.Current.CancellationToken);
}
