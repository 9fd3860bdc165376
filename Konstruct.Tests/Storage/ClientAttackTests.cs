using Konstruct.Tests.Conversations;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Storage;

/// <summary>What a client can try who knows every id of another tenant's, or of another user's of its own tenant, and proves to be itself.</summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class ClientAttackTests(UsualPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    [Theory]
    [InlineData("another tenant")]
    [InlineData("another user")]
    public async Task The_API_says_404_to_every_id_of_another(string who)
    {
        var b = await Victim.CreateAsync(Pipeline);
        var before = await b.SnapshotAsync(Sql);
        var api = new ApiClient(Gateway, Attacker(who, b));
        var attacks = new List<Attack>();
        foreach (
            var (name, id) in new[]
            {
                ("conversation", b.Conversation),
                ("question", b.Question),
                ("answer", b.Answer),
                ("turn", b.LiveTurn),
                ("tenant", b.Person.Tenant),
                ("user", b.Person.User),
            }
        )
        {
            await TryAsync($"GET {name} of B", api.GetAsync($"/{id}"));
            await TryAsync($"GET messages of {name} of B", api.GetAsync($"/{id}/messages"));
            await TryAsync($"PATCH {name} of B", api.PatchAsync($"/{id}", """{"title":"stolen"}"""));
            await TryAsync($"DELETE {name} of B", api.DeleteAsync($"/{id}"));
        }

        var list = (await api.GetAsync("")).Expect(200);
        attacks.Add(new($"API, {who}", "list", "0 items", list.Json.GetProperty("items").GetArrayLength() == 0));
        var body = $$"""{"agent_id":"x","id":"{{b.Conversation}}","tenant_id":"{{b.Person.Tenant}}","user_id":"{{b.Person.User}}"}""";
        var created = (await api.PostAsync("", body)).Expect(201).Json.GetProperty("id").GetGuid();
        attacks.Add(new($"API, {who}", "POST with ids of B in the body", "ignored", created != b.Conversation));
        attacks.Add(new($"API, {who}", "everything of B as it was", "", await b.SnapshotAsync(Sql) == before));
        AttackReport.Record(attacks);

        async Task TryAsync(string name, Task<ApiAnswer> sending)
        {
            var answer = await sending;
            answer.ExpectProblem(404);
            attacks.Add(new($"API, {who}", name, $"{answer.Status}", !answer.Body.Contains("of B", StringComparison.Ordinal)));
        }
    }

    [Theory]
    [InlineData("another tenant")]
    [InlineData("another user")]
    [OriginalFlaw("claimed tenant: get B's stream, write into B's conversation")]
    public async Task A_socket_of_version_1_is_refused_every_id_of_another(string who)
    {
        var b = await Victim.CreateAsync(Pipeline);
        var before = await b.SnapshotAsync(Sql);
        var attacker = Attacker(who, b);
        var attacks = new List<Attack>();
        await using (var chat = await OpenAsync(attacker, b.Conversation))
        {
            await chat.SayAsync("/burst 1");
            attacks.Add(Refused("conversation of B in the URL", (await chat.ReceiveTurnAsync()).Frames));
        }

        await using (var chat = await OpenAsync(attacker, Guid.NewGuid()))
        {
            await chat.SendAsync($$"""{"type":"message","text":"/burst 1","agentId":"x","conversationId":"{{b.Conversation}}"}""");
            attacks.Add(Refused("conversation of B in the message", (await chat.ReceiveTurnAsync()).Frames));
        }

        attacks.Add(new($"v1, {who}", "everything of B as it was", "", await b.SnapshotAsync(Sql) == before));
        AttackReport.Record(attacks);

        Attack Refused(string name, IReadOnlyList<string> frames) =>
            new(
                $"v1, {who}",
                name,
                frames[^1],
                frames[^1].Contains("does not exist", StringComparison.Ordinal) && frames.SkipLast(1).All(f => f == Frames.Typing)
            );
    }

    [Theory]
    [InlineData("another tenant")]
    [InlineData("another user")]
    public async Task A_socket_of_version_2_is_refused_every_id_of_another(string who)
    {
        var b = await Victim.CreateAsync(Pipeline);
        var before = await b.SnapshotAsync(Sql);
        var attacker = Attacker(who, b);
        var own = await new ApiClient(Gateway, attacker).CreateAsync();
        var attacks = new List<Attack>();

        await using (var strangers = await ConnectAsync(attacker, b.Conversation))
        {
            // Where missing conversations are created it may wait for this one to be; it hears nothing of it and changes nothing in it.
            var first = await strangers.ReceiveAsync();
            attacks.Add(new($"v2, {who}", "conversation of B in the URL", first!, !first!.Contains($"{b.LiveTurn}", StringComparison.Ordinal)));
            await TryAsync(
                strangers,
                $$"""{"type":"resume","turnId":"{{b.LiveTurn}}","attempt":0,"after":0}""",
                "resume the live turn of B, in B's conversation"
            );
            await TryAsync(
                strangers,
                $$"""{"type":"resume","turnId":"{{b.Turn}}","attempt":1,"after":0}""",
                "resume the turn of B, in B's conversation"
            );
            await TryAsync(strangers, $$"""{"type":"cancel","turnId":"{{b.LiveTurn}}"}""", "cancel the live turn of B, in B's conversation");
            await TryAsync(strangers, """{"type":"message","text":"/burst 1","agentId":"x"}""", "message into B's conversation");
        }

        await using (var home = await ConnectAsync(attacker, own))
        {
            Assert.Contains("\"active\":[]", await home.ReceiveAsync(), StringComparison.Ordinal);
            await TryAsync(
                home,
                $$"""{"type":"resume","turnId":"{{b.LiveTurn}}","attempt":0,"after":0}""",
                "resume the live turn of B, from A's conversation"
            );
            await TryAsync(
                home,
                $$"""{"type":"resume","turnId":"{{b.Turn}}","attempt":1,"after":0}""",
                "resume the turn of B, from A's conversation"
            );
            await TryAsync(home, $$"""{"type":"cancel","turnId":"{{b.LiveTurn}}"}""", "cancel the live turn of B, from A's conversation");
            await TryAsync(
                home,
                $$"""{"type":"message","text":"x","agentId":"x","conversationId":"{{b.Conversation}}"}""",
                "message with B's conversation in it"
            );
        }

        attacks.Add(new($"v2, {who}", "everything of B as it was", "", await b.SnapshotAsync(Sql) == before));
        AttackReport.Record(attacks);

        async Task TryAsync(RawChat chat, string frame, string name)
        {
            await chat.SendAsync(frame);
            var answer = await chat.ReceiveAsync() ?? $"closed with {chat.CloseCode}";
            attacks.Add(new($"v2, {who}", name, answer, answer.StartsWith("""{"type":"error",""", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task A_tab_that_waits_for_a_conversation_hears_nothing_when_another_tenant_has_it()
    {
        var b = Person.New();
        var conversation = Guid.NewGuid();
        await using var waiting = await ConnectAsync(Person.New(), conversation);
        Assert.Contains("\"ready\"", await waiting.ReceiveAsync(), StringComparison.Ordinal);

        await using var chat = await OpenAsync(b, conversation);
        await chat.SayAsync("/burst 20");
        (await chat.ReceiveTurnAsync()).AssertWhole(conversation);

        await waiting.SendAsync("""{"type":"message","text":"/burst 1","agentId":"x"}""");
        Assert.Contains("conversation_not_found", await waiting.ReceiveAsync(), StringComparison.Ordinal);
    }

    private static Person Attacker(string who, Victim b) => who == "another user" ? b.Person with { User = Guid.NewGuid() } : Person.New();

    private async Task<RawChat> ConnectAsync(Person person, Guid conversation)
    {
        var chat = await RawChat.ConnectAsync(Gateway, $"{conversation}", "konstruct.chat.v2");
        await chat.SendAsync(person.Auth);
        return chat;
    }
}
