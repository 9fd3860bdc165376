using System.Collections.Concurrent;
using Konstruct.Tests.Auth;
using Konstruct.Tests.Clients;
using Konstruct.Tests.Harness;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Konstruct.Tests.Page;

/// <summary>
/// <c>@konstruct/chat/ai-sdk</c> with the real <c>useChat</c>, and <c>@konstruct/chat/react</c>, in Chromium against a real gateway. The example shows both
/// side by side on one conversation, so each test also sees what a second tab sees.
/// </summary>
[Collection<Sharing<PagePipeline>>]
[Trait("Tier", "Long")]
public sealed class ReactExampleTests(PagePipeline fixture) : PipelineTests(fixture), IAsyncLifetime
{
    private const string Steady = "/stream tokens=80 rate=15 delay=0";

    private readonly Person _person = Person.New();
    private readonly Guid _conversation = Guid.NewGuid();
    private readonly ConcurrentQueue<string> _faults = new();
    private ReactExample _example = null!;
    private IBrowserContext _context = null!;

    public static TheoryData<string> Panes => [ReactPane.AiSdk, ReactPane.Plain];

    public async ValueTask InitializeAsync()
    {
        _context = await fixture.Browser.NewContextAsync(
            new()
            {
                ViewportSize = new() { Width = 1200, Height = 700 },
            }
        );
        _example = await ReactExample.StartAsync();
        await Sql.ExecuteAsync(
            $"INSERT INTO web_conversations (tenant_id, id, user_id, agent_id) VALUES ('{_person.Tenant}', '{_conversation}', '{_person.User}', '{Person.Agent}')"
        );
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _context.DisposeAsync();
        await _example.DisposeAsync();
        Assert.Empty(_faults);
        GC.SuppressFinalize(this);
    }

    [Theory]
    [MemberData(nameof(Panes))]
    public async Task A_question_is_answered_in_both(string asks)
    {
        var page = await OpenAsync();
        var (pane, other) = (new ReactPane(page, asks), Other(page, asks));
        await pane.SayAsync(Steady);
        await pane.WordsAsync(5);
        await other.WordsAsync(5);
        await ScreenshotAsync(page, $"react-{asks}");
        foreach (var each in new[] { pane, other })
        {
            await Expect(each.Answers).ToHaveTextAsync([Whole(Steady)]);
            await Expect(each.Questions).ToHaveTextAsync([Steady]);
        }

        await Expect(new ReactPane(page, ReactPane.AiSdk).Status).ToHaveTextAsync("ready");
    }

    [Theory]
    [MemberData(nameof(Panes))]
    public async Task Stop_keeps_what_there_is(string asks)
    {
        var page = await OpenAsync();
        var pane = new ReactPane(page, asks);
        await pane.SayAsync("/stream tokens=1000 rate=15 delay=0");
        await pane.WordsAsync(5);
        await pane.Button("Stop").ClickAsync();
        var stored = (await AnsweredAsync(_conversation))[1];
        Assert.Equal("cancelled", stored.Status);
        Assert.InRange(stored.Content.Split(' ').Length, 5, 500);
        await Expect(pane.Button("Stop")).ToBeDisabledAsync();
        await pane.SayAsync("/burst 2");
        await Expect(pane.Answers.Last).ToHaveTextAsync(Whole("/burst 2"));
    }

    [Theory]
    [MemberData(nameof(Panes))]
    public async Task A_reload_in_mid_answer_goes_on_with_what_was_missed(string asks)
    {
        var page = await OpenAsync();
        await new ReactPane(page, asks).SayAsync(Steady);
        await new ReactPane(page, asks).WordsAsync(10);
        await page.ReloadAsync();
        var pane = new ReactPane(page, asks);
        await pane.WordsAsync(20);
        await Expect(pane.Answers).ToHaveTextAsync([Whole(Steady)]);
        await Expect(pane.Questions).ToHaveTextAsync([Steady]);
        Assert.Equal("completed", (await AnsweredAsync(_conversation))[1].Status);
    }

    [Theory]
    [MemberData(nameof(Panes))]
    public async Task A_killed_gateway_costs_no_word(string asks)
    {
        var doomed = await Pipeline.StartGatewayAsync();
        await using var address = new TcpProxy(doomed.Port);
        var page = await OpenAsync(address.Port);
        var pane = new ReactPane(page, asks);
        await pane.SayAsync(Steady);
        await pane.WordsAsync(10);
        await doomed.KillAsync();
        address.Target = (await Pipeline.StartGatewayAsync()).Port;
        await Expect(pane.Answers).ToHaveTextAsync([Whole(Steady)]);
        await Expect(pane.Questions).ToHaveTextAsync([Steady]);
    }

    [Theory]
    [MemberData(nameof(Panes))]
    public async Task A_second_tab_follows_also_from_the_middle(string asks)
    {
        var page = await OpenAsync();
        await new ReactPane(page, asks).SayAsync(Steady);
        await new ReactPane(page, asks).WordsAsync(10);
        var second = new ReactPane(await OpenAsync(), asks);
        await second.WordsAsync(20);
        await Expect(second.Answers).ToHaveTextAsync([Whole(Steady)]);
        await Expect(second.Questions).ToHaveTextAsync([Steady]);

        await second.SayAsync("/burst 3");
        foreach (var pane in new[] { second, new ReactPane(page, asks) })
        {
            await Expect(pane.Answers).ToHaveTextAsync([Whole(Steady), Whole("/burst 3")]);
        }
    }

    [Theory]
    [InlineData(ReactPane.AiSdk, "text_too_long: The text is too long.")]
    [InlineData(ReactPane.Plain, "The text is too long.")]
    public async Task A_refused_message_says_why(string asks, string words)
    {
        var page = await OpenAsync();
        var pane = new ReactPane(page, asks);
        await pane.SayAsync(new string('x', 3_000)); // The fixture's gateway takes 2,000 characters.
        await Expect(asks == ReactPane.AiSdk ? pane.Alert : pane.Questions).ToContainTextAsync(words);
        await pane.SayAsync("/burst 2");
        await Expect(pane.Answers).ToHaveTextAsync([Whole("/burst 2")]);
    }

    [Theory]
    [MemberData(nameof(Panes))]
    public async Task A_failed_answer_can_be_asked_for_again(string asks)
    {
        var page = await OpenAsync();
        var pane = new ReactPane(page, asks);
        await pane.SayAsync("/fail 5 rate=0 delay=0");
        await pane.Button("Try again").ClickAsync();
        var messages = await AnsweredAsync(_conversation, answers: 2);
        Assert.Equal(["/fail 5 rate=0 delay=0", "/fail 5 rate=0 delay=0"], messages.Where(m => m.Role == "user").Select(m => m.Content));
        if (asks == ReactPane.AiSdk)
        {
            await Expect(pane.Alert).ToContainTextAsync("agent_timeout");
            await Expect(pane.Answers).ToHaveCountAsync(1); // useChat replaces the answer.
        }
    }

    [Theory]
    [InlineData(ReactPane.AiSdk, "auth_invalid_token: The token is missing, expired or not valid.")]
    [InlineData(ReactPane.Plain, "The token is missing, expired or not valid.")]
    public async Task An_expired_token_is_said(string asks, string words)
    {
        var gateway = await Pipeline.StartGatewayAsync(ClientPipeline.WithTokens);
        var page = await OpenAsync(gateway.Port, Tokens.For(_person, TimeSpan.FromHours(-1)));
        var pane = new ReactPane(page, asks);
        await pane.SayAsync("/burst 1");
        await Expect(pane.Alert).ToContainTextAsync(words);
        await Expect(pane.Button("Stop")).ToBeDisabledAsync();
    }

    [Fact]
    public async Task Older_pages_come_before_the_newest()
    {
        await Sql.ExecuteAsync(
            $"""
            WITH turns AS (SELECT n, gen_random_uuid() AS turn, now() - interval '1 day' + n * interval '1 second' AS at FROM generate_series(1, 60) AS n)
            INSERT INTO web_conversation_messages (tenant_id, id, conversation_id, role, content, created_at, turn_id, status, attempt)
            SELECT '{_person.Tenant}', gen_random_uuid(), '{_conversation}', role, role || ' ' || n,
                at + CASE role WHEN 'user' THEN interval '0' ELSE interval '1 ms' END,
                turn, 'completed', 1
            FROM turns CROSS JOIN (VALUES ('user'), ('assistant')) AS roles (role);
            """
        );
        var page = await OpenAsync();
        var pane = new ReactPane(page, ReactPane.Plain);
        await Expect(pane.Questions).ToHaveCountAsync(25);
        await pane.SayAsync("/burst 2");
        await Expect(pane.Answers.Last).ToHaveTextAsync(Whole("/burst 2"));
        foreach (var shown in new[] { 51, 61 })
        {
            await pane.Button("Older messages").ClickAsync();
            await Expect(pane.Questions).ToHaveCountAsync(shown);
        }

        await Expect(pane.Button("Older messages")).ToBeHiddenAsync();
        Assert.Equal([.. Enumerable.Range(1, 60).Select(n => $"user {n}"), "/burst 2"], await pane.Questions.AllTextContentsAsync());
        await Expect(pane.Answers.First).ToHaveTextAsync("assistant 1");

        // Another tab's question is read from the newest page, which is not the beginning of the history.
        await Other(page, ReactPane.Plain).SayAsync("/burst 3");
        await Expect(pane.Questions).ToHaveCountAsync(62);
        await Expect(pane.Answers.Last).ToHaveTextAsync(Whole("/burst 3"));
        await Expect(pane.Button("Older messages")).ToBeHiddenAsync();
    }

    private static string Whole(string question) => Answers.Of(question).Trim();

    private static ReactPane Other(IPage page, string asks) => new(page, asks == ReactPane.AiSdk ? ReactPane.Plain : ReactPane.AiSdk);

    private static Task ScreenshotAsync(IPage page, string name) =>
        Environment.GetEnvironmentVariable("KONSTRUCT_SCREENSHOTS") is { } folder
            ? page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}.png") })
            : Task.CompletedTask;

    private async Task<IPage> OpenAsync(int? port = null, string? token = null)
    {
        var page = await _context.NewPageAsync();
        page.PageError += (_, error) => _faults.Enqueue(error);
        page.Console += (_, message) =>
        {
            // What the network does is provoked; the browser reports it by itself.
            if (
                message.Type == "error"
                && !message.Text.Contains("WebSocket", StringComparison.Ordinal)
                && !message.Text.Contains("Failed to load resource", StringComparison.Ordinal)
            )
            {
                _faults.Enqueue(message.Text);
            }
        };
        await page.GotoAsync(_example.AddressOf(port ?? Gateway.Port, _conversation, _person, token));
        if (token is null)
        {
            await Expect(new ReactPane(page, ReactPane.Plain).Status).ToHaveTextAsync("open");
        }

        return page;
    }
}
