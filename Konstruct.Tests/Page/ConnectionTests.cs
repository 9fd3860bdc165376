using Konstruct.Tests.Harness;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Konstruct.Tests.Page;

/// <summary>Whatever happens to the connection is said, and costs no word of an answer.</summary>
[Trait("Tier", "Long")]
public sealed class ConnectionTests(PagePipeline fixture) : PageTests(fixture)
{
    private const string Steady = "/stream tokens=120 rate=20 delay=0";

    [Fact]
    public async Task A_dropped_socket_is_made_again_and_the_answer_goes_on()
    {
        // An answer that has ended is not resumed: it goes on for long after the third drop, however late a busy browser's clicks are.
        const string Long = "/stream tokens=300 rate=15 delay=0";
        var tab = await OpenAsync();
        await tab.OpenDrawerAsync();
        await tab.SayAsync(Long);
        foreach (var drop in new[] { 1, 2, 3 })
        {
            await tab.WordsAsync(15 * drop);
            await tab.Button("Drop the socket").ClickAsync();
            await Expect(tab.Page.Locator(".frames b").GetByText("resume")).ToHaveCountAsync(drop);
        }

        await tab.ExpectAnswerAsync(Answers.Of(Long));
    }

    [Fact]
    public async Task A_network_that_breaks_is_said_and_waited_for()
    {
        await using var network = new TcpProxy(Gateway.Port);
        var tab = await OpenAsync(port: network.Port);
        await tab.Page.Clock.InstallAsync();
        await tab.SayAsync(Steady);
        await tab.WordsAsync(10);
        network.Refuses = true;
        network.Cut();
        await tab.ExpectStateAsync("Reconnecting");
        await Expect(tab.Banner).ToContainTextAsync("The connection was lost.");
        await Expect(tab.Banner).ToContainTextAsync("Next try in");

        // What is written meanwhile leaves as soon as the connection is there.
        await tab.SayAsync("/burst 2");
        await tab.ExpectStatusAsync("sending");

        // Its own next try must not come before the click: time stands still on the page.
        await tab.Page.Clock.PauseAtAsync(DateTime.UtcNow.AddSeconds(10));
        await Expect(tab.Banner).ToContainTextAsync("Next try in");
        network.Refuses = false;
        await tab.Button("Try now").ClickAsync();
        await tab.ExpectStateAsync("Connected");
        await tab.Page.Clock.ResumeAsync();
        await Expect(tab.Banner).ToBeHiddenAsync();
        await tab.ExpectAnswerAsync(Answers.Of("/burst 2"));
        await tab.ExpectStatusAsync("completed", turn: 0);
        await Expect(tab.Answers.First).ToHaveTextAsync(Answers.Of(Steady).Trim());
    }

    [Fact]
    public async Task A_gateway_that_is_killed_and_comes_back_costs_no_word()
    {
        var doomed = await Pipeline.StartGatewayAsync();
        await using var address = new TcpProxy(doomed.Port);
        var tab = await OpenAsync(port: address.Port);
        await tab.SayAsync(Steady);
        await tab.WordsAsync(10);
        await doomed.KillAsync();
        await tab.ExpectStateAsync("Reconnecting");
        address.Target = (await Pipeline.StartGatewayAsync()).Port;
        await tab.ExpectStateAsync("Connected");
        await tab.ExpectAnswerAsync(Answers.Of(Steady));
        Assert.Single(await AnsweredAsync(Conversation), message => message.Role == "assistant");
    }

    /// <summary>It said so until the first try that failed, a second later: then the connection was "lost" for as long as the restart took.</summary>
    [Fact]
    public async Task A_gateway_that_restarts_says_so_until_it_is_back()
    {
        var leaving = await Pipeline.StartGatewayAsync();
        await using var address = new TcpProxy(leaving.Port);
        var tab = await OpenAsync(port: address.Port);
        await leaving.TerminateAsync();
        await Expect(tab.Banner).ToContainTextAsync("The gateway is restarting.");
        address.Target = Gateway.Port;
        await tab.ExpectStateAsync("Connected");
    }

    [Fact]
    public async Task Offline_is_said()
    {
        await using var network = new TcpProxy(Gateway.Port);
        var tab = await OpenAsync(port: network.Port);
        await tab.Page.Context.SetOfflineAsync(true);
        network.Cut();
        await tab.ExpectStateAsync("Offline");
        await Expect(tab.Banner).ToContainTextAsync("You are offline.");
        await tab.SayAsync("/burst 2");
        await tab.Page.Context.SetOfflineAsync(false);
        await tab.ExpectStateAsync("Connected");
        await tab.ExpectAnswerAsync(Answers.Of("/burst 2"));
    }

    [Fact]
    public async Task The_original_protocol_can_be_watched()
    {
        var tab = await OpenAsync();
        await tab.OpenDrawerAsync();
        await tab.Button("v1").ClickAsync();
        await Expect(tab.Button("v1")).ToHaveAttributeAsync("aria-pressed", "true");
        await tab.ExpectStateAsync("Connected");
        await tab.SayAsync("/burst 3");
        await tab.ExpectAnswerAsync(Answers.Of("/burst 3"));
        await Expect(tab.Page.Locator(".frames li").Filter(new() { HasText = "chunk" }).First).Not.ToContainTextAsync("turn_id");
        await tab.Button("v2").ClickAsync();
        await tab.ExpectStateAsync("Connected");
        await tab.SayAsync("/burst 4");
        await tab.ExpectAnswerAsync(Answers.Of("/burst 4"));
    }

    [Fact]
    public async Task The_drawer_shows_the_turn_its_times_and_its_trace()
    {
        var tab = await OpenAsync();
        await tab.OpenDrawerAsync();
        await tab.SayAsync("/stream tokens=30 rate=30 delay=100");
        await tab.ExpectStatusAsync("completed");
        var facts = tab.Page.Locator(".facts").Nth(1);
        await Expect(facts).ToContainTextAsync("completed");
        await Expect(facts).ToContainTextAsync(new System.Text.RegularExpressions.Regex(@"First token\d+ ms"));
        await Expect(facts).ToContainTextAsync(new System.Text.RegularExpressions.Regex(@"30, \d+\.\d a second"));
        var turn = await tab.Turns.Last.GetAttributeAsync("data-turn");
        await Expect(facts).ToContainTextAsync(turn!);
        await Expect(tab.Page.Locator("#trace-link"))
            .ToHaveAttributeAsync("href", new System.Text.RegularExpressions.Regex("^http://localhost:18888/traces/detail/[0-9a-f]{32}$"));
    }
}
