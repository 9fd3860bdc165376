using System.Diagnostics;
using System.Text.RegularExpressions;
using Konstruct.Tests.Harness;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Konstruct.Tests.Page;

/// <summary>Whoever waits before the page is told for what, and every wait ends.</summary>
[Trait("Tier", "Long")]
public sealed class WaitTests(PagePipeline fixture) : PageTests(fixture)
{
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(3);

    private static readonly Dictionary<string, string> ShortPings = new()
    {
        ["Chat__PingInterval"] = $"{PingInterval}",
        ["Chat__PongTimeout"] = "00:00:01",
    };

    /// <summary>The page was "Connected", and a message "Sending…", for as long as TCP tried: minutes.</summary>
    [Fact]
    public async Task A_network_that_drops_all_bytes_is_noticed_within_the_ping_interval()
    {
        const string Steady = "/stream tokens=80 rate=10 delay=0";
        var gateway = await Pipeline.StartGatewayAsync(ShortPings);
        await using var network = new TcpProxy(gateway.Port);
        var tab = await OpenAsync(port: network.Port);
        await tab.SayAsync(Steady);
        await tab.WordsAsync(10);
        network.Stall();
        var elapsed = Stopwatch.StartNew();
        await tab.ExpectStateAsync("Reconnecting");
        TestContext.Current.TestOutputHelper?.WriteLine($"noticed after {elapsed.Elapsed.TotalSeconds:f1} s");
        Assert.InRange(elapsed.Elapsed, TimeSpan.Zero, PingInterval + TimeSpan.FromSeconds(3)); // The browser shares its cores with the tests.
        await tab.SayAsync("/burst 2");
        await Expect(tab.Turns.Last).ToContainTextAsync("Waiting for the connection…");
        network.Resume();
        await tab.ExpectAnswerAsync(Answers.Of("/burst 2"));
        await tab.ExpectStatusAsync("completed", turn: 0);
        await Expect(tab.Answers.First).ToHaveTextAsync(Answers.Of(Steady).Trim());
    }

    /// <summary>crypto.randomUUID exists only in secure contexts: every message of such a page was an exception.</summary>
    [Fact]
    public async Task A_page_of_the_local_network_without_TLS_can_send()
    {
        var gateway = await Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["AllowedHosts"] = "*" });
        var tab = await OpenAsync(port: gateway.Port);
        await tab.Page.GotoAsync($"http://portal.test:{gateway.Port}/#/c/{Conversation}");
        Assert.False(await tab.Page.EvaluateAsync<bool>("isSecureContext"));
        await tab.ExpectStateAsync("Connected");
        await tab.SayAsync("/burst 2");
        await tab.ExpectAnswerAsync(Answers.Of("/burst 2"));
    }

    /// <summary>The gateway refused it without its id, so it was "Sending…" and was sent again with every connection.</summary>
    [Fact]
    public async Task A_message_with_NUL_is_answered()
    {
        var tab = await OpenAsync();
        await tab.Page.EvaluateAsync(
            """
            () => {
              const field = document.getElementById('text');
              field.value = 'nul \u0000 inside';
              field.form.requestSubmit();
            }
            """
        );
        await tab.ExpectStatusAsync("completed");
        Assert.Equal("nul \uFFFD inside", (await AnsweredAsync(Conversation))[0].Content);
    }

    [Fact]
    public async Task A_message_over_the_rate_says_so_and_when_it_is_sent_again()
    {
        var gateway = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["Edge__MessagesPerMinute"] = "12", ["Edge__MessageBurst"] = "1" }
        );
        var tab = await OpenAsync(port: gateway.Port);
        await tab.SayAsync("/burst 1");
        await tab.ExpectStatusAsync("completed");
        await tab.SayAsync("/burst 2");
        await Expect(tab.Turns.Last)
            .ToContainTextAsync(new Regex(@"Waiting: more messages in a minute than one user may send\. Sent again in \d s\."));
        await tab.ExpectAnswerAsync(Answers.Of("/burst 2"));
    }
}
