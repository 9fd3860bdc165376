using System.Text.Json;
using Konstruct.Tests.Harness;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Konstruct.Tests.Page;

/// <summary>What people and models write is text. The tests write what would be a script in a page that took it for markup.</summary>
public sealed class SafetyTests(PagePipeline fixture) : PageTests(fixture)
{
    private static readonly string[] Attacks =
    [
        "<script>window.attacked = 1</script>",
        "<img src=x onerror=\"window.attacked = 1\">",
        "<svg onload=\"window.attacked = 1\"></svg>",
        "[click](javascript:window.attacked=1)",
        "[click](  JaVaScRiPt:window.attacked=1)",
        "[click](data:text/html,<script>window.attacked=1</script>)",
        "![picture](https://attacker.example/x.png)",
        "![picture](x\" onerror=\"window.attacked=1)",
        "<a href=\"javascript:window.attacked=1\">click</a>",
        "[a](https://attacker.example/\"onmouseover=\"window.attacked=1)",
        "`<script>window.attacked = 1</script>`",
        "```html\n<script>window.attacked = 1</script>\n```",
        "| <script>window.attacked = 1</script> | b |\n|---|---|\n| <img src=x onerror=window.attacked=1> | d |",
        "> <iframe srcdoc=\"<script>parent.attacked=1</script>\"></iframe>",
        "- <style>* { display: none }</style>",
        "**<b onclick=\"window.attacked=1\">bold</b>**",
        "</div></li></ol><script>window.attacked = 1</script>",
        "&lt;script&gt;window.attacked = 1&lt;/script&gt;",
    ];

    [Fact]
    public async Task A_message_that_holds_a_script_is_shown_as_it_was_written()
    {
        var tab = await OpenAsync();
        foreach (var attack in Attacks)
        {
            await tab.Composer.FillAsync(attack);
            await tab.Composer.PressAsync("Enter");
        }

        await Expect(tab.Page.Locator(".bubble")).ToHaveTextAsync(Attacks, new() { UseInnerText = false });
        await AssertHarmlessAsync(tab);
    }

    [Fact]
    public async Task An_answer_that_holds_a_script_is_text_when_it_comes()
    {
        var tab = await OpenAsync();
        await tab.SayAsync("/silent");
        await tab.ExpectStatusAsync("answering");
        // As an orchestrator of the original kind says it: without a turn, it belongs to the one that is pending.
        foreach (var attack in Attacks)
        {
            var payload = JsonSerializer.Serialize(new { type = "chunk", text = attack + "\n\n" });
            Assert.True(await Pipeline.Redis.PublishAsync(Me.ResponseChannel(Conversation), payload) > 0, "nobody is subscribed");
        }

        await Expect(tab.Answers.Last).ToContainTextAsync("</div></li></ol><script>window.attacked = 1</script>");
        await AssertHarmlessAsync(tab);
        await tab.Page.Keyboard.PressAsync("Escape");
    }

    [Fact]
    public async Task An_answer_that_holds_a_script_is_text_in_the_history_too()
    {
        var tab = await OpenAsync();
        await tab.SayAsync("/burst 1");
        await tab.ExpectStatusAsync("completed");
        var answer = string.Join("\n\n", Attacks);
        await Sql.ScalarAsync<long>(
            "WITH changed AS (UPDATE web_conversation_messages SET content = $2 WHERE conversation_id = $1 AND role = 'assistant' RETURNING 1) SELECT count(*) FROM changed",
            Conversation,
            answer
        );
        await tab.Page.ReloadAsync();
        await Expect(tab.Answers.Last).ToContainTextAsync("</div></li></ol><script>window.attacked = 1</script>");
        await AssertHarmlessAsync(tab);
    }

    [Fact]
    public async Task A_title_that_holds_a_script_is_text()
    {
        var tab = await OpenAsync();
        await tab.SayAsync("<img src=x onerror=window.attacked=1>");
        await Expect(tab.Page.Locator("#conversations .name")).ToHaveTextAsync("<img src=x onerror=window.attacked=1>");
        await Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("<img src=x onerror=window.attacked=1>");
        await AssertHarmlessAsync(tab);
    }

    /// <summary>The second line: had the page a bug, the browser would not run what it let through.</summary>
    [Fact]
    public async Task The_browser_itself_refuses_markup_and_scripts_of_others()
    {
        var tab = await OpenAsync();
        var refused = await tab.Page.EvaluateAsync<string>(
            "() => { try { document.body.innerHTML = '<b>x</b>'; return 'taken'; } catch (e) { return e.name; } }"
        );
        Assert.Equal("TypeError", refused);
        await tab.Page.EvaluateAsync(
            """
            () => new Promise(done => {
              document.addEventListener('securitypolicyviolation', event => { window.violation = event.effectiveDirective; done(); });
              const image = new Image();
              image.src = 'https://attacker.example/x.png';
            })
            """
        );
        Assert.Equal("img-src", await tab.Page.EvaluateAsync<string>("window.violation"));
        tab.Forgive("Content Security Policy", "TrustedHTML");
    }

    [Fact]
    public async Task Formatting_is_made_of_what_it_means()
    {
        var tab = await OpenAsync();
        await tab.SayAsync("/markdown rate=0 delay=0");
        await tab.ExpectStatusAsync("completed");
        var answer = tab.Answers.Last;
        await Expect(answer.GetByRole(AriaRole.Heading)).ToHaveTextAsync("What happens to a token");
        await Expect(answer.Locator("strong")).ToHaveTextAsync("stream");
        await Expect(answer.Locator("em")).ToHaveTextAsync("reply");
        await Expect(answer.Locator("ol > li")).ToHaveCountAsync(3);
        await Expect(answer.Locator("ol > li:nth-child(2) > ul > li")).ToHaveCountAsync(2);
        await Expect(answer.Locator("tbody tr")).ToHaveCountAsync(3);
        await Expect(answer.Locator("pre[data-language=json] code")).ToContainTextAsync("\"seq\":1");
        await Expect(answer.Locator("blockquote")).ToHaveTextAsync("What was accepted ends exactly once.");
        var link = answer.GetByRole(AriaRole.Link);
        await Expect(link).ToHaveCountAsync(1);
        await Expect(link).ToHaveAttributeAsync("rel", "noopener noreferrer nofollow");
        await Expect(answer).ToContainTextAsync("<script>alert(1)</script>, [no link](javascript:alert(1)).");
        await AssertHarmlessAsync(tab);
    }

    private static async Task AssertHarmlessAsync(ChatTab tab)
    {
        Assert.False(await tab.Page.EvaluateAsync<bool>("'attacked' in window"));
        Assert.Equal(0, await tab.Page.Locator("main :is(script, img, iframe, style, object, embed)").CountAsync());
        var addresses = await tab.Page.Locator("#log a").EvaluateAllAsync<string[]>("links => links.map(link => link.href)");
        Assert.All(addresses, address => Assert.StartsWith("https://", address, StringComparison.Ordinal));
        var listeners = await tab
            .Page.Locator("#log *")
            .EvaluateAllAsync<string[]>("elements => elements.flatMap(element => element.getAttributeNames().filter(name => name.startsWith('on')))");
        Assert.Empty(listeners);
    }
}
