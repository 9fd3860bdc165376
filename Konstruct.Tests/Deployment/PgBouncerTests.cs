using Konstruct.Tests.Conversations;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Deployment;

/// <summary>A gateway whose Postgres is behind PgBouncer in transaction mode, with two connections for everybody.</summary>
public sealed class PipelineOverPgBouncer(DatabaseFactory databases) : UsualPipeline(databases)
{
    private PgBouncer? _bouncer;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_bouncer is not null)
        {
            await _bouncer.DisposeAsync();
        }
    }

    private protected override async Task<string> ServingConnectionAsync(Database database)
    {
        _bouncer = await PgBouncer.StartAsync(database.Server, connections: 2);
        return _bouncer.ConnectionString(database);
    }

    private protected override Task StartAsync()
    {
        Requirement.PgBouncer.Require();
        return base.StartAsync();
    }
}

[Collection<Sharing<PipelineOverPgBouncer>>]
[Trait("Tier", "Long")]
public sealed class ConversationsOverPgBouncer(PipelineOverPgBouncer fixture) : ConversationTests(fixture);

/// <summary>The tenant is set on the transaction, and so is all that Postgres may remember between two of them.</summary>
[Collection<Sharing<PipelineOverPgBouncer>>]
public sealed class PgBouncerTests(PipelineOverPgBouncer fixture) : PipelineTests(fixture)
{
    [Fact]
    public async Task Two_hundred_requests_of_two_tenants_over_two_shared_connections_each_see_their_own()
    {
        var tenants = new[] { Person.New(), Person.New() };
        var own = new List<Guid>();
        foreach (var person in tenants)
        {
            own.Add(await new ApiClient(Gateway, person).CreateAsync($"of {person.Tenant}"));
        }

        await Task.WhenAll(
            Enumerable
                .Range(0, 200)
                .Select(async i =>
                {
                    var api = new ApiClient(Gateway, tenants[i % 2]);
                    var listed = (await api.GetAsync("")).Expect(200).Json.GetProperty("items").EnumerateArray();
                    Assert.Equal([own[i % 2]], listed.Select(c => c.GetProperty("id").GetGuid()));
                    (await api.GetAsync($"/{own[(i + 1) % 2]}")).ExpectProblem(404);
                })
        );
    }

    [Fact]
    public async Task Sockets_of_two_tenants_chat_at_once_and_every_row_is_its_tenants()
    {
        var tenants = new[] { Person.New(), Person.New() };
        await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(async i =>
                {
                    var (person, text) = (tenants[i % 2], $"/burst 10 of socket {i}");
                    var conversation = Guid.NewGuid();
                    await using var chat = (await RawChat.OpenV2Async(Gateway, person, conversation)).Chat;
                    await chat.SayAsync(text, "m");
                    Assert.Equal(Answers.Of(text), (await chat.ReadToAsync("done"))[^1].Json.GetProperty("text").GetString());
                    Assert.Equal([text, Answers.Of(text)], (await Sql.MessagesAsync(conversation)).Select(row => row.Content));
                })
        );
        foreach (var person in tenants)
        {
            Assert.Equal(20, await Sql.MessageCountAsync(person.Tenant));
        }
    }
}
