using System.Text;
using System.Text.Json;
using Konstruct.Tests.Auth;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Conversations;

/// <summary>What each request of the API answers, and what it refuses.</summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class ApiTests : PipelineTests
{
    private readonly Person _person = Person.New();
    private readonly ApiClient _api;

    public ApiTests(UsualPipeline<OnGarnet> fixture)
        : base(fixture) => _api = new(Gateway, _person);

    [Fact]
    public async Task A_conversation_is_created_read_renamed_and_deleted()
    {
        var created = (await _api.PostAsync("", """{"agent_id":" support ","title":"  Rechnungen 🧾  ","unknown":[1,{"a":null}]}""")).Expect(201);
        var id = created.Json.GetProperty("id").GetGuid();
        Assert.Equal($"/chat/conversations/{id}", created.Headers["Location"]);
        Assert.Equal(["id", "agent_id", "title", "created_at", "updated_at"], created.Json.EnumerateObject().Select(p => p.Name));
        Assert.Equal("support", created.Json.GetProperty("agent_id").GetString());
        Assert.Equal("Rechnungen 🧾", created.Json.GetProperty("title").GetString());
        Assert.Equal(created.Body, (await _api.GetAsync($"/{id}")).Expect(200).Body);

        var renamed = (await _api.PatchAsync($"/{id}", """{"title":" Offers "}""")).Expect(200);
        Assert.Equal("Offers", renamed.Json.GetProperty("title").GetString());
        Assert.True(renamed.Json.GetProperty("updated_at").GetDateTimeOffset() > created.Json.GetProperty("updated_at").GetDateTimeOffset());

        (await _api.DeleteAsync($"/{id}")).Expect(204);
        foreach (
            var gone in new[]
            {
                await _api.GetAsync($"/{id}"),
                await _api.GetAsync($"/{id}/messages"),
                await _api.PatchAsync($"/{id}", """{"title":"x"}"""),
                await _api.DeleteAsync($"/{id}"),
            }
        )
        {
            gone.ExpectProblem(404);
        }
    }

    [Fact]
    public async Task Messages_show_what_was_said_and_nothing_of_the_task()
    {
        var id = await _api.CreateAsync();
        await using var chat = await OpenAsync(_person, id);
        await chat.SayAsync("/burst 3");
        var answer = (await chat.ReceiveTurnAsync()).Answer;
        await chat.SayAsync("/silent");
        await Until.TrueAsync(async () => await Sql.MessageCountAsync(_person.Tenant) == 4);

        var messages = (await _api.GetAsync($"/{id}/messages")).Expect(200).Json.GetProperty("items").EnumerateArray().ToArray();
        Assert.All(
            messages,
            m => Assert.Equal(["id", "turn_id", "role", "content", "status", "created_at"], m.EnumerateObject().Select(p => p.Name))
        );
        Assert.Equal(
            [("assistant", "", "pending"), ("user", "/silent", "completed"), ("assistant", answer, "completed"), ("user", "/burst 3", "completed")],
            messages.Select(m => (m.GetProperty("role").GetString(), m.GetProperty("content").GetString(), m.GetProperty("status").GetString()))
        );
        Assert.Equal(messages[0].GetProperty("turn_id").GetGuid(), messages[1].GetProperty("turn_id").GetGuid());
        (await _api.DeleteAsync($"/{id}")).Expect(204); // And with it the turn that nobody will answer.
    }

    [Fact]
    public async Task Conversations_of_one_moment_are_each_listed_once_whatever_is_created_meanwhile()
    {
        await Sql.ExecuteAsync(
            $"""
            INSERT INTO web_conversations (tenant_id, id, user_id, agent_id, title, updated_at)
            SELECT '{_person.Tenant}', gen_random_uuid(), '{_person.User}', 'x', 'old ' || n, '2026-01-01 00:00:00.123456+00' FROM generate_series(1, 45) n
            """
        );
        var someoneElse = _person with { User = Guid.NewGuid() };
        await new ApiClient(Gateway, someoneElse).CreateAsync("theirs");

        var listed = await _api.ReadAllAsync("", limit: 7, betweenPages: () => _api.CreateAsync("new"));

        var titles = listed.Select(c => c.GetProperty("title").GetString()!).ToList();
        Assert.Equal(Enumerable.Range(1, 45).Select(n => $"old {n}").Order(), titles.Order());
        Assert.Equal("new", (await _api.GetAsync("?limit=1")).Json.GetProperty("items")[0].GetProperty("title").GetString());
    }

    [Fact]
    public async Task Messages_of_one_moment_are_each_listed_once_newest_first()
    {
        var id = await _api.CreateAsync();
        await InsertMessagesAsync(id, 30, "'text ' || n");

        var read = await _api.ReadAllAsync($"/{id}/messages", limit: 4);

        Assert.Equal(Enumerable.Range(1, 30).Select(n => $"text {n}").Order(), read.Select(m => m.GetProperty("content").GetString()!).Order());
        var times = read.Select(m => m.GetProperty("created_at").GetDateTimeOffset()).ToList();
        Assert.Equal(times.OrderDescending(), times);
    }

    [Fact]
    public async Task A_page_of_long_messages_ends_early_and_the_next_one_goes_on()
    {
        var id = await _api.CreateAsync();
        await InsertMessagesAsync(id, 7, "repeat('x', 1000000)");

        var first = (await _api.GetAsync($"/{id}/messages?limit=100")).Expect(200).Json;
        Assert.Equal(2, first.GetProperty("items").GetArrayLength());
        Assert.Equal(7, (await _api.ReadAllAsync($"/{id}/messages", limit: 100)).Count);
    }

    [Theory]
    [InlineData("?limit=0")]
    [InlineData("?limit=101")]
    [InlineData("?limit=-1")]
    [InlineData("?limit=ten")]
    [InlineData("?limit=")]
    [InlineData("?limit=99999999999999999999")]
    [InlineData("?cursor=")]
    [InlineData("?cursor=nonsense")]
    [InlineData("?cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("?cursor=__________________________________8")]
    [InlineData("?cursor=%00%27;DROP")]
    public async Task A_limit_or_cursor_that_is_none_is_a_400_with_a_sentence(string query)
    {
        (await _api.GetAsync(query)).ExpectProblem(400);
        (await _api.GetAsync($"/{await _api.CreateAsync()}/messages{query}")).ExpectProblem(400);
    }

    [Theory]
    [InlineData("not-an-id")]
    [InlineData("11111111-2222-4333-8444-55555555555")]
    [InlineData("%20")]
    public async Task An_id_that_is_no_UUID_is_a_400_with_a_sentence(string id)
    {
        foreach (
            var answer in new[]
            {
                await _api.GetAsync($"/{id}"),
                await _api.GetAsync($"/{id}/messages"),
                await _api.PatchAsync($"/{id}", """{"title":"x"}"""),
                await _api.DeleteAsync($"/{id}"),
            }
        )
        {
            Assert.Equal("The conversation id is not a UUID.", answer.ExpectProblem(400));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("{}")]
    [InlineData("""{"title":"an agent is missing"}""")]
    [InlineData("""{"agent_id":"   "}""")]
    [InlineData("""{"agent_id":7}""")]
    [InlineData("""{"agent_id":"a","title":{}}""")]
    public async Task A_body_that_is_not_what_is_documented_is_a_400_with_a_sentence(string body)
    {
        (await _api.PostAsync("", body)).ExpectProblem(400);
        (await _api.PatchAsync($"/{await _api.CreateAsync()}", body.Replace("title", "other", StringComparison.Ordinal))).ExpectProblem(400);
    }

    [Fact]
    public async Task Titles_and_bodies_have_limits_and_odd_characters_do_not_break_them()
    {
        var longest = new string('t', 200);
        Assert.Equal(
            longest,
            (await _api.PostAsync("", $$"""{"agent_id":"a","title":"  {{longest}} "}""")).Expect(201).Json.GetProperty("title").GetString()
        );
        (await _api.PostAsync("", $$"""{"agent_id":"a","title":"{{longest}}t"}""")).ExpectProblem(400);
        (await _api.PostAsync("", $$"""{"agent_id":"{{longest}}a"}""")).ExpectProblem(400);
        (await _api.PostAsync("", $$"""{"agent_id":"a","more":"{{new string('x', 20_000)}}"}""")).ExpectProblem(413);
        Assert.Equal(
            JsonValueKind.Null,
            (await _api.PostAsync("", """{"agent_id":"a","title":"  "}""")).Expect(201).Json.GetProperty("title").ValueKind
        );

        // Postgres takes no NUL, and UTF-8 no half of a pair.
        Assert.Equal(
            "a\uFFFDb",
            (await _api.PostAsync("", """{"agent_id":"a","title":"a\u0000b"}""")).Expect(201).Json.GetProperty("title").GetString()
        );
        var half = await _api.PostAsync("", """{"agent_id":"a","title":"a\ud83db"}""");
        Assert.Contains(half.Status, new[] { 201, 400 });
    }

    [Fact]
    public async Task A_body_that_is_not_JSON_by_its_type_and_a_method_that_is_none_are_problems_too()
    {
        var form = await _api.SendAsync(
            HttpMethod.Post,
            "",
            "agent_id=a",
            r => r.Content = new StringContent("agent_id=a", Encoding.UTF8, "application/x-www-form-urlencoded")
        );
        form.ExpectProblem(415);
        (
            await _api.SendAsync(HttpMethod.Post, "", """{"agent_id":"untyped is taken for JSON"}""", r => r.Content!.Headers.ContentType = null)
        ).Expect(201);
        (await _api.SendAsync(HttpMethod.Put, "", "{}")).ExpectProblem(405);
        (await _api.GetAsync("/a/b/c")).ExpectProblem(404);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("11111111-2222-4333-8444-555555555555", null)]
    [InlineData(null, "11111111-2222-4333-8444-555555555555")]
    [InlineData("alice", "11111111-2222-4333-8444-555555555555")]
    [InlineData("11111111-2222-4333-8444-555555555555", "acme")]
    [InlineData("", "11111111-2222-4333-8444-555555555555")]
    public async Task Without_a_user_and_a_tenant_everything_is_a_401(string? user, string? tenant)
    {
        var nobody = new ApiClient(Gateway, null);
        foreach (
            var (method, path) in new[]
            {
                ("GET", ""),
                ("POST", ""),
                ("GET", $"/{Guid.NewGuid()}"),
                ("GET", "/x/messages"),
                ("PATCH", "/x"),
                ("DELETE", "/x"),
            }
        )
        {
            var answer = await nobody.SendAsync(
                new(method),
                path,
                method is "POST" or "PATCH" ? "not JSON" : null,
                request =>
                {
                    if (user is not null)
                    {
                        request.Headers.Add("X-User-Id", user);
                    }

                    if (tenant is not null)
                    {
                        request.Headers.Add("X-Tenant-Id", tenant);
                    }
                }
            );
            answer.ExpectProblem(401);
            Assert.NotEmpty(answer.Headers["WWW-Authenticate"]);
        }
    }

    [Fact]
    public async Task The_role_may_be_absent_and_two_tenants_at_once_are_none()
    {
        (await _api.SendAsync(HttpMethod.Get, "", null, r => r.Headers.Remove("X-Role"))).Expect(200);
        (await _api.SendAsync(HttpMethod.Get, "", null, r => r.Headers.Add("X-Tenant-Id", $"{Guid.NewGuid()}"))).ExpectProblem(401);
    }

    [Fact]
    public async Task The_OpenAPI_document_describes_every_request_in_Development_and_is_not_served_elsewhere()
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var document = JsonDocument.Parse(
            await http.GetStringAsync(new Uri($"http://127.0.0.1:{Gateway.Port}/openapi/v1.json"), TestContext.Current.CancellationToken)
        );
        var operations = document
            .RootElement.GetProperty("paths")
            .EnumerateObject()
            .SelectMany(path =>
                path.Value.EnumerateObject().Where(o => o.Value.TryGetProperty("responses", out _)).Select(o => $"{o.Name} {path.Name}")
            );
        Assert.Equal(
            [
                "delete /chat/conversations/{id}",
                "get /chat/conversations",
                "get /chat/conversations/{id}",
                "get /chat/conversations/{id}/messages",
                "patch /chat/conversations/{id}",
                "post /chat/conversations",
            ],
            operations.Order(StringComparer.Ordinal)
        );
        Assert.Contains("\"agent_id\"", document.RootElement.GetProperty("components").GetRawText(), StringComparison.Ordinal);
        AssertLimits(document.RootElement);

        var production = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string> { ["ASPNETCORE_ENVIRONMENT"] = "Production", ["Auth__Jwt__SigningKey"] = Tokens.Key }
        );
        Assert.Equal(404, await production.StatusAsync("/openapi/v1.json"));
        await production.TerminateAsync();
    }

    private static void AssertLimits(JsonElement document)
    {
        var parameters = document
            .GetProperty("paths")
            .GetProperty("/chat/conversations")
            .GetProperty("get")
            .GetProperty("parameters")
            .EnumerateArray()
            .ToDictionary(parameter => parameter.GetProperty("name").GetString()!, parameter => parameter.GetProperty("schema"));
        Assert.Equal(
            ("integer", 1, 100, 20),
            (
                parameters["limit"].GetProperty("type").GetString(),
                parameters["limit"].GetProperty("minimum").GetInt32(),
                parameters["limit"].GetProperty("maximum").GetInt32(),
                parameters["limit"].GetProperty("default").GetInt32()
            )
        );
        Assert.Equal(200, parameters["title"].GetProperty("maxLength").GetInt32());

        var body = document.GetProperty("components").GetProperty("schemas").GetProperty("NewConversation");
        Assert.Equal(["agent_id"], body.GetProperty("required").EnumerateArray().Select(name => name.GetString()));
        foreach (var (name, least) in new[] { ("agent_id", 1), ("title", 0) })
        {
            var schema = body.GetProperty("properties").GetProperty(name);
            Assert.Equal(
                (least, 200),
                (schema.TryGetProperty("minLength", out var length) ? length.GetInt32() : 0, schema.GetProperty("maxLength").GetInt32())
            );
        }
    }

    private Task InsertMessagesAsync(Guid conversation, int count, string content) =>
        Sql.ExecuteAsync(
            $"""
            INSERT INTO web_conversation_messages (tenant_id, id, conversation_id, role, content, turn_id, status, attempt, created_at)
            SELECT '{_person.Tenant}', gen_random_uuid(), '{conversation}', 'user', {content}, gen_random_uuid(), 'completed', 0,
                   '2026-01-01 00:00:00.5+00'::timestamptz + n % 3 * interval '1 microsecond'
            FROM generate_series(1, {count}) n
            """
        );
}
