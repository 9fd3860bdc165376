using Konstruct.Tests.Harness;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Konstruct.Tests.Page;

/// <summary>Chat as a person sees it: words that come, an end that is kept, and all of it by keyboard.</summary>
[Trait("Tier", "Long")]
public sealed class ChatTests(PagePipeline fixture) : PageTests(fixture)
{
    private const string Steady = "/stream tokens=60 rate=30 delay=0";
    private const string Endless = "/stream tokens=100000 rate=20 delay=0";

    [Fact]
    public async Task An_answer_grows_and_is_there_when_the_page_is_loaded_again()
    {
        var tab = await OpenAsync();
        await Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Name = "Say something" })).ToBeVisibleAsync();
        await tab.SayAsync(Steady);
        var early = await tab.WordsAsync(3);
        Assert.True(early.Length < Answers.Of(Steady).Length, "it came in one piece");
        await tab.ExpectAnswerAsync(Answers.Of(Steady));
        Assert.StartsWith(early.Trim(), Answers.Of(Steady), StringComparison.Ordinal);

        await tab.Page.ReloadAsync();
        await tab.ExpectAnswerAsync(Answers.Of(Steady));
        await Expect(tab.Page.Locator(".bubble")).ToHaveTextAsync(Steady);
        await Expect(tab.Page.Locator("#conversations a[aria-current]")).ToContainTextAsync(Steady);
    }

    [Fact]
    public async Task Stop_keeps_what_there_is_and_the_next_message_is_answered()
    {
        var tab = await OpenAsync();
        await tab.SayAsync(Endless);
        await tab.WordsAsync(5);
        await tab.Button("Stop the answer").ClickAsync();
        await tab.ExpectStatusAsync("cancelled");
        await Expect(tab.Turns.Last).ToContainTextAsync("Stopped here");
        var row = Assert.Single(await AnsweredAsync(Conversation), message => message.Role == "assistant");
        Assert.Equal(("cancelled", row.Content.Trim()), (row.Status, (await tab.Answers.Last.TextContentAsync())!.Trim()));

        await tab.SayAsync("/burst 3");
        await tab.ExpectAnswerAsync(Answers.Of("/burst 3"));
    }

    [Fact]
    public async Task A_failed_answer_says_so_and_can_be_asked_for_again()
    {
        var tab = await OpenAsync();
        await tab.SayAsync("/fail 5");
        await tab.ExpectStatusAsync("failed");
        await Expect(tab.Turns.Last).ToContainTextAsync("The answer failed here.");
        await tab.Button("Try again").ClickAsync();
        await Expect(tab.Turns).ToHaveCountAsync(2);
        await tab.ExpectStatusAsync("failed");
    }

    [Fact]
    public async Task A_message_that_is_refused_says_why_and_is_not_stored()
    {
        var tab = await OpenAsync();
        await tab.SayAsync("/burst 1 " + new string('x', 3_000));
        await tab.ExpectStatusAsync("refused");
        await Expect(tab.Turns.Last).ToContainTextAsync("Not sent. The text is too long.");
        await Expect(tab.Button("Try again")).ToBeVisibleAsync();
        Assert.Empty(await Sql.MessagesAsync(Conversation));
    }

    [Fact]
    public async Task Reloaded_in_the_middle_of_an_answer_the_text_goes_on()
    {
        var tab = await OpenAsync();
        var message = "/stream tokens=120 rate=20 delay=0";
        await tab.SayAsync(message);
        await tab.WordsAsync(10);
        await tab.Page.ReloadAsync();
        await tab.WordsAsync(12);
        await tab.ExpectStatusAsync("answering");
        await tab.ExpectAnswerAsync(Answers.Of(message));
        await Expect(tab.Turns).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task A_second_tab_is_in_step()
    {
        var first = await OpenAsync();
        var second = await OpenAsync();
        await first.SayAsync(Steady);
        await second.WordsAsync(3);
        await Expect(second.Page.Locator(".bubble")).ToHaveTextAsync(Steady);
        await Task.WhenAll(first.ExpectAnswerAsync(Answers.Of(Steady)), second.ExpectAnswerAsync(Answers.Of(Steady)));

        await first.SayAsync(Endless);
        await Expect(second.Turns).ToHaveCountAsync(2);
        await second.WordsAsync(3);
        await second.Button("Stop the answer").ClickAsync();
        await Task.WhenAll(first.ExpectStatusAsync("cancelled"), second.ExpectStatusAsync("cancelled"));
    }

    [Fact]
    public async Task By_keyboard_alone()
    {
        var tab = await OpenAsync();
        var keyboard = tab.Page.Keyboard;
        await Expect(tab.Composer).ToBeFocusedAsync();
        await keyboard.TypeAsync("/stream tokens=100000 rate=20 delay=0");
        await keyboard.PressAsync("Enter");
        await tab.WordsAsync(3);
        await keyboard.PressAsync("Escape");
        await tab.ExpectStatusAsync("cancelled");

        await keyboard.TypeAsync("/burst 2 first");
        await keyboard.PressAsync("Shift+Enter");
        await keyboard.TypeAsync("second");
        await keyboard.PressAsync("Enter");
        await tab.ExpectAnswerAsync(Answers.Of("/burst 2 first\nsecond"));

        await PressUntilFocusedAsync(keyboard, "Shift+Tab", tab.Button("Rename the conversation"));
        await keyboard.PressAsync("Enter");
        await keyboard.TypeAsync("By keyboard");
        await keyboard.PressAsync("Enter");
        await Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("By keyboard");
        await Expect(tab.Button("Rename the conversation")).ToBeFocusedAsync();

        await PressUntilFocusedAsync(keyboard, "Tab", tab.Button("Developer"));
        await keyboard.PressAsync("Enter");
        await PressUntilFocusedAsync(keyboard, "Tab", tab.Page.GetByRole(AriaRole.Button, new() { Name = "/empty" }));
        await keyboard.PressAsync("Enter");
        await Expect(tab.Turns).ToHaveCountAsync(3);
        await tab.ExpectStatusAsync("completed");
        await Expect(tab.Turns.Last).ToContainTextAsync("An answer without a word");
        await keyboard.PressAsync("Escape");
        await Expect(tab.Page.Locator("#drawer")).ToBeHiddenAsync();
        await Expect(tab.Button("Developer")).ToBeFocusedAsync();

        await PressUntilFocusedAsync(keyboard, "Shift+Tab", tab.Button("Delete the conversation"));
        await keyboard.PressAsync("Enter");
        await Expect(tab.Page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("By keyboard");
        await keyboard.PressAsync("Enter");
        await Expect(tab.Page.Locator("#list-state")).ToContainTextAsync("No conversations yet.");
    }

    [Fact]
    public async Task The_end_of_an_answer_is_read_out_and_not_every_word()
    {
        var tab = await OpenAsync();
        await Expect(tab.Page.Locator("#log")).ToHaveAttributeAsync("aria-live", "off");
        await tab.SayAsync("/stream tokens=30 rate=30 delay=0");
        await tab.WordsAsync(2);
        await Expect(tab.Page.Locator(".answer").Last).ToHaveAttributeAsync("aria-busy", "true");
        await Expect(tab.Page.Locator("#announcer")).ToHaveTextAsync($"Answer: {Answers.Of("/stream tokens=30 rate=30 delay=0")}".Trim());
        await Expect(tab.Page.Locator(".answer").Last).ToHaveAttributeAsync("aria-busy", "false");
    }

    private static async Task PressUntilFocusedAsync(IKeyboard keyboard, string key, ILocator target)
    {
        for (var i = 0; i < 60; i++)
        {
            if (await target.EvaluateAsync<bool>("element => element === document.activeElement"))
            {
                return;
            }

            await keyboard.PressAsync(key);
        }

        Assert.Fail($"{key} does not lead to {target}.");
    }
}
