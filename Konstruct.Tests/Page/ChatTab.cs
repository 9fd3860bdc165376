using System.Collections.Concurrent;
using System.Text.Json;
using Konstruct.Tests.Harness;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Konstruct.Tests.Page;

/// <summary>The page as a person uses it: by what is written on it. An exception of its scripts or a breach of its policy fails the test.</summary>
internal sealed class ChatTab : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _faults = new();

    private ChatTab(IPage page) => Page = page;

    public IPage Page { get; }

    public ILocator Turns => Page.Locator("#log > .turn");

    public ILocator Answers => Page.Locator(".answer .markdown");

    public ILocator Banner => Page.Locator("#banner");

    public ILocator Composer => Page.GetByLabel("Message", new() { Exact = true });

    public static async Task<ChatTab> OpenAsync(IBrowserContext context, int port, Person person, Guid conversation, string token)
    {
        var remembered = JsonSerializer.Serialize(
            new
            {
                userId = person.User,
                tenantId = person.Tenant,
                role = "member",
                token,
            }
        );
        await context.AddInitScriptAsync(
            $"if (!sessionStorage.getItem('konstruct.person')) sessionStorage.setItem('konstruct.person', {JsonSerializer.Serialize(remembered)});"
        );
        var tab = new ChatTab(await context.NewPageAsync());
        tab.Page.PageError += (_, error) => tab._faults.Enqueue(error);
        tab.Page.Dialog += (_, dialog) => tab._faults.Enqueue($"a dialog of the browser's: {dialog.Message}");
        tab.Page.Console += (_, message) =>
        {
            if (
                message.Text.Contains("Content Security Policy", StringComparison.Ordinal)
                || message.Text.Contains("Trusted", StringComparison.Ordinal)
            )
            {
                tab._faults.Enqueue(message.Text);
            }
        };
        await tab.Page.GotoAsync($"http://127.0.0.1:{port}/#/c/{conversation}");
        return tab;
    }

    public async Task SayAsync(string text)
    {
        await Composer.FillAsync(text);
        await Composer.PressAsync("Enter");
    }

    public Task ExpectStateAsync(string words) => Expect(Page.Locator("#connection")).ToHaveTextAsync(words);

    /// <summary>The turn's state, as the page marks it: <c>answering</c>, <c>completed</c> and so on.</summary>
    public Task ExpectStatusAsync(string status, int turn = -1) =>
        Expect(turn < 0 ? Turns.Last : Turns.Nth(turn)).ToHaveAttributeAsync("data-status", status, new() { Timeout = 30_000 });

    /// <summary>The answer of the last turn, when it has ended, says this.</summary>
    public async Task ExpectAnswerAsync(string text, string status = "completed")
    {
        await ExpectStatusAsync(status);
        await Expect(Answers.Last).ToHaveTextAsync(text.Trim());
    }

    /// <summary>Waits until the last answer has this many words, and hands back what there is of it.</summary>
    public async Task<string> WordsAsync(int least)
    {
        await Until.TrueAsync(
            async () => Count(await Answers.Last.TextContentAsync()) >= least,
            TimeSpan.FromSeconds(30),
            $"{least} words on the page"
        );
        return (await Answers.Last.TextContentAsync())!;

        static int Count(string? text) => text?.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length ?? 0;
    }

    public async Task OpenDrawerAsync()
    {
        if (!await Page.Locator("#drawer").IsVisibleAsync())
        {
            await Page.GetByRole(AriaRole.Button, new() { Name = "Developer", Exact = true }).ClickAsync();
        }
    }

    /// <summary>What a test provoked is no fault of the page's; at least one line must be there.</summary>
    public void Forgive(params string[] words)
    {
        Assert.Contains(_faults, fault => words.Any(word => fault.Contains(word, StringComparison.Ordinal)));
        var others = _faults.Where(fault => !words.Any(word => fault.Contains(word, StringComparison.Ordinal))).ToList();
        _faults.Clear();
        others.ForEach(_faults.Enqueue);
    }

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    public async ValueTask DisposeAsync()
    {
        await Page.Context.DisposeAsync();
        Assert.Empty(_faults);
    }
}
