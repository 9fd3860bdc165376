using Konstruct.Tests.Auth;
using Konstruct.Tests.Clients;
using Konstruct.Tests.Conversations;
using Konstruct.Tests.Harness;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Konstruct.Tests.Page;

/// <summary>Who the tab is decides what it sees.</summary>
public sealed class PeopleTests(PagePipeline fixture) : PageTests(fixture)
{
    [Fact]
    public async Task Another_tenant_sees_nothing()
    {
        var mine = await OpenAsync();
        await mine.SayAsync("/burst 5 secret words");
        await mine.ExpectStatusAsync("completed");

        // Even with the conversation's address.
        var theirs = await OpenAsync(Person.New());
        await Expect(theirs.Page.Locator("#list-state")).ToContainTextAsync("No conversations yet.");
        await Expect(theirs.Page.Locator("#history-state")).ToContainTextAsync("does not exist, or is somebody else’s");
        await theirs.SayAsync("/burst 1");
        await theirs.ExpectStatusAsync("refused");
        await Expect(theirs.Turns.Last).ToContainTextAsync("The conversation does not exist.");
        await Expect(theirs.Page.Locator("body")).Not.ToContainTextAsync("secret words");
    }

    [Fact]
    public async Task Becoming_another_tenant_and_the_first_one_again()
    {
        var tab = await OpenAsync();
        await tab.SayAsync("/burst 5 mine");
        await tab.ExpectStatusAsync("completed");
        await Expect(tab.Page.Locator("#conversations a")).ToHaveCountAsync(1);
        await tab.OpenDrawerAsync();
        await tab.Button("Another tenant").ClickAsync();
        await Expect(tab.Page.Locator("#list-state")).ToContainTextAsync("No conversations yet.");
        await Expect(tab.Turns).ToHaveCountAsync(0);
        await tab.SayAsync("/burst 2");
        await tab.ExpectAnswerAsync(Answers.Of("/burst 2"));

        await tab.Page.GetByLabel("Tenant").FillAsync(Me.Tenant.ToString());
        await tab.Page.GetByLabel("User", new() { Exact = true }).FillAsync(Me.User.ToString());
        await tab.Button("Become this").ClickAsync();
        await Expect(tab.Page.Locator("#conversations a")).ToHaveTextAsync(new System.Text.RegularExpressions.Regex("^/burst 5 mine"));
        await Expect(tab.Page.Locator(".bubble")).ToHaveTextAsync("/burst 5 mine");
    }

    [Fact]
    public async Task An_expired_token_is_refused_and_another_can_be_given()
    {
        var gateway = await Pipeline.StartGatewayAsync(ClientPipeline.WithTokens);
        var tab = await OpenAsync(conversation: Guid.NewGuid(), port: gateway.Port, token: Tokens.For(Me, TimeSpan.FromHours(-1)), waits: false);
        await tab.ExpectStateAsync("Refused");
        await Expect(tab.Banner).ToContainTextAsync("The gateway refused these credentials.");
        await tab.Button("Who am I?").ClickAsync();
        await tab.Page.GetByLabel("Token", new() { Exact = true }).FillAsync(Tokens.For(Me, TimeSpan.FromHours(1)));
        await tab.Button("Become this").ClickAsync();
        await Expect(tab.Page.Locator("#list-state")).ToContainTextAsync("No conversations yet.");
        await tab.SayAsync("/burst 2");
        await tab.ExpectAnswerAsync(Answers.Of("/burst 2"));
        await Expect(tab.Banner).ToBeHiddenAsync();
        await Expect(tab.Page.Locator(".frames")).Not.ToContainTextAsync(Tokens.For(Me).Split('.')[0]);
    }

    [Fact]
    [Trait("Tier", "Long")]
    public async Task A_token_that_expires_while_the_page_is_open_ends_the_connection()
    {
        var gateway = await Pipeline.StartGatewayAsync(ClientPipeline.WithTokens);
        var tab = await OpenAsync(port: gateway.Port, token: Tokens.For(Me, TimeSpan.FromSeconds(20))); // A page may take a while to be there.
        await Expect(tab.Banner).ToContainTextAsync("The credentials have expired.", new() { Timeout = 30_000 });
        await tab.ExpectStateAsync("Refused");
        await Expect(tab.Page.Locator("#log")).ToBeAttachedAsync();
    }

    [Fact]
    public async Task Conversations_are_begun_found_and_deleted()
    {
        var portal = new ApiClient(Gateway, Me);
        var (older, newer) = (await portal.CreateAsync("Older"), await portal.CreateAsync("Newer"));
        var tab = await OpenAsync(conversation: older);
        await Expect(tab.Page.Locator("#conversations a"))
            .ToHaveTextAsync([new System.Text.RegularExpressions.Regex("^Newer"), new System.Text.RegularExpressions.Regex("^Older")]);
        await Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Older");
        await tab.SayAsync("/burst 1");
        await Expect(tab.Page.Locator("#conversations a").First).ToHaveTextAsync(new System.Text.RegularExpressions.Regex("^Older"));
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Newer" }).ClickAsync();
        await Expect(tab.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex(newer.ToString()));
        await tab.Button("Delete the conversation").ClickAsync();
        await tab.Button("Delete").ClickAsync();
        await Expect(tab.Page.Locator("#conversations a")).ToHaveCountAsync(1);
        await tab.Button("New conversation").ClickAsync();
        await Expect(tab.Page.Locator("#conversations a")).ToHaveCountAsync(2);
    }
}
