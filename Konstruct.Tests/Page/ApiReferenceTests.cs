using System.Collections.Concurrent;
using Konstruct.Tests.Auth;
using Konstruct.Tests.Conversations;
using Konstruct.Tests.Harness;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Konstruct.Tests.Page;

/// <summary>Scalar shows the HTTP API in Development, from this server alone.</summary>
public sealed class ApiReferenceTests(PagePipeline fixture) : PageTests(fixture)
{
    private readonly PagePipeline _fixture = fixture;

    [Fact]
    public async Task It_shows_every_operation_without_an_error_or_a_request_to_another_server()
    {
        await using var context = await _fixture.Browser.NewContextAsync();
        var page = await context.NewPageAsync();
        ConcurrentQueue<string> errors = new();
        ConcurrentQueue<string> requests = new();
        page.PageError += (_, error) => errors.Enqueue(error);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                errors.Enqueue($"{message.Type}: {message.Text}");
            }
        };
        page.Request += (_, request) => requests.Enqueue(request.Url);

        await page.GotoAsync($"http://127.0.0.1:{Gateway.Port}/scalar");
        foreach (
            var (operation, summary) in new[]
            {
                ("POST/chat/conversations", "Create a conversation"),
                ("GET/chat/conversations", "List or search my conversations, latest activity first"),
                ("GET/chat/conversations/{id}", "Read a conversation"),
                ("GET/chat/conversations/{id}/messages", "Read a conversation's messages, newest first"),
                ("PATCH/chat/conversations/{id}", "Rename a conversation"),
                ("DELETE/chat/conversations/{id}", "Delete a conversation with its messages; a live turn is cancelled first"),
            }
        )
        {
            var link = page.Locator($"a[href='#tag/conversations/{operation}']").First;
            await Expect(link).ToContainTextAsync(summary);
            await link.ClickAsync();
            await Expect(page.GetByRole(AriaRole.Heading, new() { Name = summary, Exact = true })).ToBeVisibleAsync();
        }

        Assert.Empty(errors);
        Assert.NotEmpty(requests);
        Assert.All(
            requests.Where(url => !url.StartsWith("data:", StringComparison.Ordinal) && !url.StartsWith("blob:", StringComparison.Ordinal)),
            url => Assert.StartsWith($"http://127.0.0.1:{Gateway.Port}/", url, StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Its_policy_is_its_own_and_the_page_links_it()
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var response = await http.GetAsync(new Uri($"http://127.0.0.1:{Gateway.Port}/scalar"), TestContext.Current.CancellationToken);
        var policy = Assert.Single(response.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("default-src 'none'; script-src 'self' 'nonce-", policy, StringComparison.Ordinal);
        Assert.Contains("connect-src 'self';", policy, StringComparison.Ordinal);

        using var other = await http.GetAsync(new Uri($"http://127.0.0.1:{Gateway.Port}/"), TestContext.Current.CancellationToken);
        Assert.DoesNotContain("nonce-", Assert.Single(other.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);

        var tab = await OpenAsync();
        await tab.OpenDrawerAsync();
        await Expect(tab.Page.Locator("#api-link")).ToHaveAttributeAsync("href", "/scalar");
    }

    [Fact]
    public async Task A_request_can_be_sent_from_it()
    {
        await new ApiClient(Gateway, Me).CreateAsync("Sent from Scalar");
        await using var context = await _fixture.Browser.NewContextAsync();
        var page = await context.NewPageAsync();
        await page.GotoAsync($"http://127.0.0.1:{Gateway.Port}/scalar");
        // The policy of that page must let its client reach the API.
        var status = await page.EvaluateAsync<int>(
            "async ([user, tenant]) => (await fetch('/chat/conversations', { headers: { 'X-User-Id': user, 'X-Tenant-Id': tenant } })).status",
            new[] { $"{Me.User}", $"{Me.Tenant}" }
        );
        Assert.Equal(200, status);
    }

    [Fact]
    public async Task Outside_of_Development_it_does_not_exist()
    {
        var deployed = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["ASPNETCORE_ENVIRONMENT"] = "Production", ["Auth__Jwt__SigningKey"] = Tokens.Key }
        );
        Assert.Equal(404, await deployed.StatusAsync("/scalar"));
        Assert.Equal(404, await deployed.StatusAsync("/scalar/scalar.js"));
        await deployed.TerminateAsync();
    }
}
