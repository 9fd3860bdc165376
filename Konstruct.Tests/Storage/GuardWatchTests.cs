using System.Net;
using Konstruct.Gateway.Protocol;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Storage;

/// <summary>A gateway that looks at its role every second.</summary>
public sealed class WatchfulPipelineOnGarnet(DatabaseFactory databases) : PipelineFixture(databases)
{
    private protected override RedisKind Redis => RedisKind.Garnet;

    private protected override Dictionary<string, string> Settings =>
        new() { ["Chat__CreateMissingConversations"] = "true", ["Chat__GuardInterval"] = "00:00:01" };
}

/// <summary>Policies are dropped and rights are granted while gateways serve.</summary>
[Trait("Tier", "Long")]
public sealed class GuardWatchTests(WatchfulPipelineOnGarnet fixture) : PipelineTests(fixture), IClassFixture<WatchfulPipelineOnGarnet>
{
    [Fact]
    public async Task What_no_longer_keeps_tenants_apart_closes_sockets_and_readiness_until_it_does_again()
    {
        var (person, conversation) = (Person.New(), Guid.NewGuid());
        await using var chat = await OpenAsync(person, conversation);
        await chat.SayAsync("/stream tokens=60 rate=20");
        await chat.NextAsync("typing");
        await chat.NextAsync("chunk");

        await Sql.ExecuteAsync("ALTER TABLE web_conversation_messages NO FORCE ROW LEVEL SECURITY");
        while (await chat.ReceiveAsync() is not null) { }

        Assert.Equal(CloseCodes.Restarting, chat.CloseCode);
        await Until.TrueAsync(async () => await Gateway.StatusAsync("/health") is 503);
        Assert.Equal(200, await Gateway.StatusAsync("/alive"));
        Assert.Equal(503, await ListAsync(person));
        await Until.TrueAsync(() =>
            Task.FromResult(
                Gateway.Log.Contains("No longer serving, sockets are closed: Row level security is not enabled and forced", StringComparison.Ordinal)
            )
        );
        Assert.Contains("crit: ", Gateway.Log, StringComparison.Ordinal);
        Assert.Equal("completed", (await AnsweredAsync(conversation))[^1].Status); // What was accepted ends all the same.
        Assert.Single(Gateway.Log.Split('\n'), line => line.Contains("No longer serving", StringComparison.Ordinal));

        await Sql.ExecuteAsync("ALTER TABLE web_conversation_messages FORCE ROW LEVEL SECURITY");
        await Gateway.WaitUntilHealthyAsync();
        Assert.Equal((int)HttpStatusCode.OK, await ListAsync(person));
        await using var again = await OpenAsync(person, conversation);
        await again.SayAsync("/burst 3");
        (await again.ReceiveTurnAsync()).AssertWhole(conversation);
    }

    [Fact]
    public async Task A_database_that_is_away_changes_nothing()
    {
        await Pipeline.Database.CloseAsync();
        try
        {
            await Until.TrueAsync(() => Task.FromResult(Gateway.Log.Contains("could not be looked at", StringComparison.Ordinal)));
            Assert.Equal(200, await Gateway.StatusAsync("/health"));
        }
        finally
        {
            await Pipeline.Database.OpenAsync();
        }
    }

    private async Task<int?> ListAsync(Person person)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        http.DefaultRequestHeaders.Add("X-User-Id", $"{person.User}");
        http.DefaultRequestHeaders.Add("X-Tenant-Id", $"{person.Tenant}");
        using var response = await http.GetAsync(
            new Uri($"http://127.0.0.1:{Gateway.Port}/chat/conversations"),
            TestContext.Current.CancellationToken
        );
        return (int)response.StatusCode;
    }
}
