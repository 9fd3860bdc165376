using Konstruct.Tests.Clients;
using Konstruct.Tests.Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;
using Xunit;

namespace Konstruct.Tests.Page;

/// <summary>The React example, built as a portal would and served from an origin of its own.</summary>
internal sealed class ReactExample : IAsyncDisposable
{
    private readonly WebApplication _server;

    private ReactExample(WebApplication server) => _server = server;

    public static async Task<ReactExample> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = builder.Build();
        server.UseFileServer(new FileServerOptions { FileProvider = new PhysicalFileProvider(await NodeTools.ReactExampleAsync()) });
        await server.StartAsync(TestContext.Current.CancellationToken);
        return new(server);
    }

    /// <summary>The page on a conversation, as a user or with a token.</summary>
    public string AddressOf(int gateway, Guid conversation, Person person, string? token = null) =>
        $"{_server.Urls.Single()}/?gateway=http://127.0.0.1:{gateway}&conversation={conversation}"
        + (token is null ? $"&user={person.User}&tenant={person.Tenant}" : $"&token={token}");

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(TestContext.Current.CancellationToken);
        await _server.DisposeAsync();
    }
}

/// <summary>One of the example's two chats, by what is written on it.</summary>
internal sealed class ReactPane(IPage page, string name)
{
    public const string AiSdk = "AI SDK";
    public const string Plain = "useConversation";

    private readonly ILocator _pane = page.GetByRole(AriaRole.Region, new() { Name = name, Exact = true });

    public ILocator Questions => _pane.Locator("li.user");

    public ILocator Answers => _pane.Locator("li.assistant");

    public ILocator Status => _pane.GetByRole(AriaRole.Status);

    public ILocator Alert => _pane.GetByRole(AriaRole.Alert);

    public ILocator Button(string text) => _pane.GetByRole(AriaRole.Button, new() { Name = text, Exact = true });

    public async Task SayAsync(string text)
    {
        await _pane.GetByLabel("Message").FillAsync(text);
        await _pane.GetByLabel("Message").PressAsync("Enter");
    }

    /// <summary>Waits until the last answer has this many words.</summary>
    public Task WordsAsync(int least) =>
        Until.TrueAsync(
            async () =>
                await Answers.CountAsync() > 0
                && (await Answers.Last.TextContentAsync())!.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length >= least,
            what: $"{least} words in {name}"
        );
}
