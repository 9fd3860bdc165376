using Konstruct.Tests.Harness;
using Microsoft.Playwright;
using Xunit;

namespace Konstruct.Tests.Page;

/// <summary>The whole path in Development, and a browser to look at its page with. Each test has a browser context, a person and a conversation of its own.</summary>
public sealed class PagePipeline(DatabaseFactory databases) : PipelineFixture(databases)
{
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>Skips the test that asks where there is no Chromium.</summary>
    internal IBrowser Browser
    {
        get
        {
            Requirement.Chromium.Require();
            return _browser!;
        }
    }

    private protected override Dictionary<string, string> Settings =>
        new()
        {
            ["Chat__CreateMissingConversations"] = "true",
            ["Page__DashboardUrl"] = "http://localhost:18888/",
            ["Chat__MaxTextLength"] = "2000",
        };

    public override async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected override async Task StartAsync()
    {
        await base.StartAsync();
        if (!Requirement.Chromium.IsMet)
        {
            return;
        }

        Assertions.SetDefaultExpectTimeout((float)Until.Soon.TotalMilliseconds);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(
            new()
            {
                ExecutablePath = Requirement.Chromium.Require(),
                Args =
                [
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-quic",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    "--host-resolver-rules=MAP portal.test 127.0.0.1", // A name that is not the local machine's: no secure context on plain http.
                ],
            }
        );
    }
}

/// <summary>What the page's tests have at hand.</summary>
[Collection<Sharing<PagePipeline>>]
public abstract class PageTests(PagePipeline fixture) : PipelineTests(fixture)
{
    private readonly List<ChatTab> _tabs = [];

    private protected Person Me { get; } = Person.New();

    private protected Guid Conversation { get; } = Guid.NewGuid();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var tab in _tabs)
        {
            await tab.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>The page in a browser context of its own, on a conversation, past its beginning.</summary>
    private protected async Task<ChatTab> OpenAsync(
        Person? person = null,
        Guid? conversation = null,
        int? port = null,
        string token = "",
        BrowserNewContextOptions? look = null,
        bool waits = true
    )
    {
        if (conversation is null)
        {
            await Sql.ExecuteAsync(
                $"INSERT INTO web_conversations (tenant_id, id, user_id, agent_id) VALUES ('{Me.Tenant}', '{Conversation}', '{Me.User}', '{Person.Agent}') ON CONFLICT DO NOTHING"
            );
        }

        var context = await fixture.Browser.NewContextAsync(
            look
                ?? new()
                {
                    ViewportSize = new() { Width = 1280, Height = 800 },
                }
        );
        var tab = await ChatTab.OpenAsync(context, port ?? Gateway.Port, person ?? Me, conversation ?? Conversation, token);
        _tabs.Add(tab);
        if (waits)
        {
            await tab.ExpectStateAsync("Connected");
        }

        return tab;
    }
}
