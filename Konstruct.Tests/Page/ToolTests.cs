using System.Text.Json;
using System.Text.RegularExpressions;
using Konstruct.Tests.Auth;
using Konstruct.Tests.Clients;
using Konstruct.Tests.Harness;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Konstruct.Tests.Page;

/// <summary>What the page offers beside the chat: copy, ask again, days, search, and the drawer's view of the socket.</summary>
[Trait("Tier", "Long")]
public sealed class ToolTests(PagePipeline fixture) : PageTests(fixture)
{
    private static readonly BrowserNewContextOptions Phone = new()
    {
        ViewportSize = new() { Width = 360, Height = 740 },
        HasTouch = true,
        IsMobile = true,
    };

    [Fact]
    public async Task An_answer_and_its_code_can_be_copied()
    {
        var tab = await OpenAsync();
        await tab.Page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        await tab.SayAsync("/markdown rate=0 delay=0");
        await tab.ExpectStatusAsync("completed");
        await tab.Button("Copy the answer").ClickAsync();
        await Expect(tab.Page.Locator("#announcer")).ToHaveTextAsync("Copied");
        Assert.Equal(Answers.Of("/markdown rate=0 delay=0"), await ClipboardAsync(tab));

        await tab.Button("Copy the code").First.ClickAsync();
        await Expect(tab.Page.Locator(".copy-code[data-copied]")).ToHaveCountAsync(1);
        Assert.Equal(await tab.Page.Locator(".markdown pre code").First.TextContentAsync(), await ClipboardAsync(tab));
    }

    /// <summary>Pages on plain http have no <c>navigator.clipboard</c>.</summary>
    [Fact]
    public async Task Copying_works_without_a_secure_context()
    {
        var gateway = await Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["AllowedHosts"] = "*" });
        var tab = await OpenAsync(port: gateway.Port);
        await tab.Page.GotoAsync($"http://portal.test:{gateway.Port}/#/c/{Conversation}");
        await tab.ExpectStateAsync("Connected");
        await tab.SayAsync("/burst 3");
        await tab.ExpectStatusAsync("completed");
        await tab.Button("Copy the answer").ClickAsync();
        await Expect(tab.Page.Locator("#announcer")).ToHaveTextAsync("Copied");
        await tab.Composer.FocusAsync();
        await tab.Page.Keyboard.PressAsync("Control+V");
        Assert.Equal(Answers.Of("/burst 3"), await tab.Composer.InputValueAsync());
    }

    [Fact]
    public async Task The_last_answer_can_be_asked_for_again()
    {
        var tab = await OpenAsync();
        await tab.SayAsync("/burst 2");
        await tab.ExpectStatusAsync("completed");
        await tab.Button("Regenerate").ClickAsync();
        await Expect(tab.Turns).ToHaveCountAsync(2);
        await tab.ExpectAnswerAsync(Answers.Of("/burst 2"));
        await Expect(tab.Button("Regenerate")).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task Days_are_set_apart_and_times_shown()
    {
        await Sql.ExecuteAsync(
            $"""
            INSERT INTO web_conversations (tenant_id, id, user_id, agent_id) VALUES ('{Me.Tenant}', '{Conversation}', '{Me.User}', 'helper');
            WITH turns AS (SELECT n, gen_random_uuid() AS turn, now() - interval '3 days' + n * interval '1 second' AS at FROM generate_series(1, 2) AS n)
            INSERT INTO web_conversation_messages (tenant_id, id, conversation_id, role, content, created_at, turn_id, status, attempt)
            SELECT '{Me.Tenant}', gen_random_uuid(), '{Conversation}', role, 'some words', at, turn, 'completed', 1
            FROM turns CROSS JOIN (VALUES ('user'), ('assistant')) AS roles (role);
            """
        );
        var tab = await OpenAsync();
        await tab.SayAsync("/burst 1");
        await tab.ExpectStatusAsync("completed");
        await Expect(tab.Page.Locator(".day")).ToHaveTextAsync([new Regex(@"\d{4}"), new Regex("^Today$")]);
        await Expect(tab.Page.Locator(".foot time")).ToHaveCountAsync(3);
        await Expect(tab.Page.Locator("#agent")).ToHaveTextAsync("with helper");
    }

    [Fact]
    public async Task The_list_is_searched_by_title()
    {
        foreach (var title in new[] { "Holidays in June", "An invoice" })
        {
            await Sql.ExecuteAsync(
                $"INSERT INTO web_conversations (tenant_id, id, user_id, agent_id, title) VALUES ('{Me.Tenant}', '{Guid.NewGuid()}', '{Me.User}', 'a', '{title}')"
            );
        }

        var tab = await OpenAsync();
        var search = tab.Page.GetByLabel("Search the conversations");
        await search.FillAsync("INVOICE");
        await Expect(tab.Page.Locator("#conversations a")).ToHaveCountAsync(1);
        await Expect(tab.Page.Locator("#conversations a")).ToContainTextAsync("An invoice");
        await search.FillAsync("nothing of the kind");
        await Expect(tab.Page.Locator("#conversations")).ToHaveTextAsync("No title has these words.");
        await search.FillAsync("");
        await Expect(tab.Page.Locator("#conversations a")).ToHaveCountAsync(3);
    }

    /// <summary>The search saw only the conversations that the list had loaded.</summary>
    [Fact]
    public async Task A_conversation_that_is_not_loaded_is_found()
    {
        await Sql.ExecuteAsync(
            $"""
            INSERT INTO web_conversations (tenant_id, id, user_id, agent_id, title, updated_at)
            SELECT '{Me.Tenant}', gen_random_uuid(), '{Me.User}', 'a', CASE n WHEN 0 THEN 'Old Ärger' ELSE 'Title ' || n END,
                   '2026-01-01'::timestamptz + n * interval '1 hour'
            FROM generate_series(0, 60) n
            """
        );
        var tab = await OpenAsync();
        await Expect(tab.Page.Locator("#conversations a")).ToHaveCountAsync(30);
        var search = tab.Page.GetByLabel("Search the conversations");
        await search.FillAsync("äRGER");
        await Expect(tab.Page.Locator("#conversations a")).ToHaveCountAsync(1);
        await Expect(tab.Page.Locator("#conversations a")).ToContainTextAsync("Old Ärger");
        await search.FillAsync("");
        await Expect(tab.Page.Locator("#conversations a")).ToHaveCountAsync(31);
        await Expect(tab.Page.Locator("#conversations a").Last).ToContainTextAsync("Old Ärger");
    }

    [Fact]
    public async Task The_heading_follows_the_first_message_in_every_tab()
    {
        var first = await OpenAsync();
        var second = await OpenAsync();
        await first.SayAsync("/burst 2 about holidays");
        foreach (var tab in new[] { first, second })
        {
            await Expect(tab.Page.Locator("#title")).ToHaveTextAsync("/burst 2 about holidays");
        }
    }

    [Fact]
    public async Task A_dropped_socket_is_explained_beside_the_button()
    {
        var tab = await OpenAsync();
        await tab.OpenDrawerAsync();
        await tab.SayAsync("/stream tokens=200 rate=15 delay=0");
        await tab.WordsAsync(5);
        await tab.Button("Drop the socket").ClickAsync();
        await Expect(tab.Page.Locator("#drop-report"))
            .ToHaveTextAsync(new Regex(@"^Dropped with 1000\. Connected again after \d+ ms\. Resumed [0-9a-f]{8}… after seq \d+\.$"));
        await tab.Button("Stop the answer").ClickAsync();
    }

    [Fact]
    public async Task Frames_are_in_sight_filtered_and_exported()
    {
        var tab = await OpenAsync();
        await tab.OpenDrawerAsync();
        await tab.SayAsync("/burst 5");
        await tab.ExpectStatusAsync("completed");
        await Expect(tab.Page.Locator(".frames li").First).ToBeInViewportAsync();
        var filter = tab.Page.GetByLabel("Which frames");
        await filter.SelectOptionAsync("only chunk");
        await Expect(tab.Page.Locator(".frames b")).ToHaveTextAsync([.. Enumerable.Repeat("chunk", 5)]);
        await filter.SelectOptionAsync("all but chunks");
        await Expect(tab.Page.Locator(".frames b").First).ToHaveTextAsync("done");
        await Expect(tab.Page.Locator(".frames b").GetByText("chunk")).ToHaveCountAsync(0);

        var download = await tab.Page.RunAndWaitForDownloadAsync(() => tab.Button("Export").ClickAsync());
        var lines = await File.ReadAllLinesAsync(await download.PathAsync(), TestContext.Current.CancellationToken);
        var types = lines.Select(line => JsonSerializer.Deserialize<JsonElement>(line).GetProperty("frame").GetProperty("type").GetString());
        Assert.Equal(["auth", "ready", "message", "typing", .. Enumerable.Repeat("chunk", 5), "done"], types);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_label_of_a_code_block_is_beside_the_code(bool onPhone)
    {
        var tab = await OpenAsync(look: onPhone ? Phone : null);
        await tab.SayAsync("/markdown rate=0 delay=0");
        await tab.ExpectStatusAsync("completed");
        var (head, code) = (tab.Page.Locator(".code-head[data-language]").First, tab.Page.Locator(".code pre").First);
        var (label, text) = ((await head.BoundingBoxAsync())!, (await code.BoundingBoxAsync())!);
        Assert.True(label.Y + label.Height <= text.Y + 0.5, $"{label.Y + label.Height} > {text.Y}");
    }

    [Fact]
    public async Task On_a_phone_a_touch_beside_the_list_closes_it()
    {
        var tab = await OpenAsync(look: Phone);
        await tab.Button("Conversations").ClickAsync();
        await Expect(tab.Page.Locator("#side")).ToBeVisibleAsync();
        await tab.Page.Touchscreen.TapAsync(350, 400);
        await Expect(tab.Page.Locator("#side")).Not.ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_refused_identity_offers_nothing_that_cannot_be_sent()
    {
        var gateway = await Pipeline.StartGatewayAsync(ClientPipeline.WithTokens);
        var tab = await OpenAsync(conversation: Guid.NewGuid(), port: gateway.Port, token: Tokens.For(Me, TimeSpan.FromHours(-1)), waits: false);
        await tab.ExpectStateAsync("Refused");
        await tab.OpenDrawerAsync();
        await Expect(tab.Page.Locator("#empty")).ToBeHiddenAsync();
        foreach (var scenario in await tab.Page.Locator(".drawer .chip").AllAsync())
        {
            await Expect(scenario).ToBeDisabledAsync();
        }
    }

    private static Task<string> ClipboardAsync(ChatTab tab) => tab.Page.EvaluateAsync<string>("navigator.clipboard.readText()");
}
