using Konstruct.Tests.Faults;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Aspire;

/// <summary>One running application for the tests that do not replace it: two gateways and two orchestrators.</summary>
public sealed class ApplicationFixture : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    internal TestedAppHost App { get; private set; } = null!;

    public async ValueTask InitializeAsync() => App = await TestedAppHost.StartAsync(_folder.Path, "--Replicas=2");

    public async ValueTask DisposeAsync()
    {
        await App.DisposeAsync();
        _folder.Dispose();
    }
}

/// <summary>What a developer gets from the AppHost, as clients and the dashboard see it.</summary>
public sealed class ApplicationTests(ApplicationFixture fixture) : IClassFixture<ApplicationFixture>
{
    private TestedAppHost App => fixture.App;

    [Fact]
    public async Task A_client_of_the_original_protocol_chats()
    {
        var conversation = Guid.NewGuid();
        await using var chat = await RawChat.OpenAsync(App, Person.New(), conversation);
        await chat.SayAsync("/burst 3");

        Assert.Equal("""{"type":"typing"}""", await chat.ReceiveAsync());
        var text = "";
        FrameV2 frame;
        while ((frame = FrameV2.Parse((await chat.ReceiveAsync())!)).Type == "chunk")
        {
            text += frame.Text;
        }

        Assert.Equal(("done", Answers.Of("/burst 3"), $"{conversation}"), (frame.Type, text, frame.Json.GetProperty("conversation_id").GetString()));
    }

    [Fact]
    public async Task Two_gateways_serve_behind_one_address()
    {
        await using var client = Join();
        await client.SayAsync("/burst 100", "m");

        Assert.Equal(Answers.Of("/burst 100"), (await EndAsync(client, "m")).Streamed);
        Assert.Equal(2, App.InstancesOf("gateway"));
        Assert.Equal(2, App.InstancesOf("orchestrator"));
    }

    [Theory]
    [InlineData("redis")]
    [InlineData("postgres")]
    [InlineData("gateway")]
    [InlineData("orchestrator")]
    [InlineData("schema")]
    public async Task An_answer_that_streams_survives_a_restart_of(string resource)
    {
        const string question = "/stream tokens=150 rate=30 delay=0";
        await using var client = Join();
        await client.SayAsync(question, "m");
        await Until.TrueAsync(() => Task.FromResult(client.Of("m") is { Seq: >= 5 }));

        await App.RestartAsync(resource);

        var turn = await EndAsync(client, "m");
        Assert.Equal(("completed", Answers.Of(question)), (turn.Done!.Reason, turn.Done.Text));
        Assert.Empty(turn.Missing);
        Assert.Empty(turn.Duplicated);
    }

    /// <summary>Local servers give services the variables that Aspire's containers give them.</summary>
    [Fact]
    public async Task Services_get_connection_properties()
    {
        Assert.Superset(new HashSet<string>(["REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD", "REDIS_URI"]), await App.VariablesOfAsync("gateway"));
        Assert.Superset(
            new HashSet<string>([
                "KONSTRUCT_DB_HOST",
                "KONSTRUCT_DB_PORT",
                "KONSTRUCT_DB_USERNAME",
                "KONSTRUCT_DB_PASSWORD",
                "KONSTRUCT_DB_DATABASENAME",
                "KONSTRUCT_DB_URI",
            ]),
            await App.VariablesOfAsync("schema")
        );
    }

    [Fact]
    public async Task The_dashboard_links_pages_that_the_gateway_has()
    {
        var links = await App.LinksOfAsync("gateway");
        Assert.Equal(["API", "API document", "Chat", "Health"], links.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("/scalar", links["API"].AbsolutePath);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        foreach (var link in links.Values)
        {
            using var response = await http.GetAsync(link, TestContext.Current.CancellationToken);
            Assert.True(response.IsSuccessStatusCode, $"{link}: {response.StatusCode}");
        }
    }

    [Fact]
    public async Task The_command_chat_shows_the_answer()
    {
        var result = await App.ExecuteAsync("gateway", "chat", ("text", "/burst 100"));

        Assert.True(result.Success, result.Message);
        Assert.Equal("The turn completed after 100 chunks.", result.Message);
        Assert.Equal(Answers.Of("/burst 100"), result.Data!.Value);
    }

    [Fact]
    public async Task The_command_chat_shows_how_a_turn_failed() =>
        Assert.Equal("The turn failed after 5 chunks.", (await App.ExecuteAsync("gateway", "chat", ("text", "/fail 5"))).Message);

    [Fact]
    public async Task The_command_token_shows_a_token_of_the_user_and_tenant()
    {
        var (user, tenant) = (Guid.NewGuid(), Guid.NewGuid());
        var result = await App.ExecuteAsync("gateway", "token", ("user", $"{user}"), ("tenant", $"{tenant}"), ("lifetime", "00:05:00"));

        Assert.True(result.Success, result.Message);
        var token = new Microsoft.IdentityModel.JsonWebTokens.JsonWebToken(result.Data!.Value);
        Assert.Equal(($"{user}", $"{tenant}"), (token.Subject, token.GetClaim("tenant_id").Value));
    }

    [Fact]
    public async Task A_token_for_something_that_is_not_a_user_is_refused_in_a_sentence()
    {
        var result = await App.ExecuteAsync("gateway", "token", ("user", "me"), ("tenant", $"{Guid.NewGuid()}"), ("lifetime", "00:05:00"));

        Assert.False(result.Success);
        Assert.Contains("--user UUID", result.Message, StringComparison.Ordinal);
    }

    private ResumingClient Join()
    {
        var client = new ResumingClient(_ => App, Person.New(), Guid.NewGuid(), 0);
        client.Start();
        return client;
    }

    private static Task<HeardTurn> EndAsync(ResumingClient client, string messageId) =>
        Until.NotNullAsync(() => Task.FromResult(client.Of(messageId) is { Done: not null } turn ? turn : null), TimeSpan.FromMinutes(2));
}
