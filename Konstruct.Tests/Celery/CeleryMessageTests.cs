using System.Text;
using System.Text.Json;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Celery;

/// <summary>
/// Each member of the message that the gateway puts on the list is one that Celery writes, and reaches the task as Celery delivers it.
/// </summary>
public abstract class CeleryMessageTests(CeleryPipeline fixture) : CeleryTestBase(fixture)
{
    private const string Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    [Fact]
    public async Task The_worker_gets_the_payload_and_the_headers()
    {
        await using var chat = await OpenV2Async();
        await chat.SendAsync(
            $$"""{"type":"message","text":"Hé \"you\"","agentId":"{{Person.Agent}}","displayName":"Zoë 👋","traceparent":"{{Traceparent}}"}"""
        );
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        var seen = (await SeenAsync(turn))[0];

        var payload = seen.GetProperty("payload");
        Assert.Equal("Hé \"you\"", payload.GetProperty("content").GetProperty("text").GetString());
        Assert.Equal("Zoë 👋", payload.GetProperty("sender").GetProperty("display_name").GetString());
        Assert.Equal($"{Conversation}", payload.GetProperty("thread_id").GetString());
        Assert.Equal($"{Me.User}", payload.GetProperty("portal_user_id").GetString());
        Assert.Equal($"{turn}", payload.GetProperty("turn_id").GetString());

        var request = seen.GetProperty("request");
        Assert.Equal(
            ("orchestrator.tasks.handle_message", $"{turn}", $"{turn}", $"{turn}", "konstruct-gateway", "(...)", "{}"),
            (
                request.GetProperty("task").GetString(),
                request.GetProperty("id").GetString(),
                request.GetProperty("root_id").GetString(),
                request.GetProperty("correlation_id").GetString(),
                request.GetProperty("origin").GetString(),
                request.GetProperty("argsrepr").GetString(),
                request.GetProperty("kwargsrepr").GetString()
            )
        );
        Assert.Equal(0, request.GetProperty("retries").GetInt32());
        Assert.True(request.GetProperty("ignore_result").GetBoolean());
        Assert.Equal("[null,null]", request.GetProperty("timelimit").GetRawText().Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal("celery", request.GetProperty("delivery_info").GetProperty("routing_key").GetString());
        foreach (var absent in (string[])["eta", "expires", "group", "parent_id", "callbacks", "errbacks", "chain", "chord"])
        {
            Assert.Equal(JsonValueKind.Null, request.GetProperty(absent).ValueKind);
        }

        // One trace from the client's message to the task.
        Assert.StartsWith(Traceparent[..36], request.GetProperty("traceparent").GetString(), StringComparison.Ordinal);
        Assert.Equal(request.GetProperty("traceparent").GetString(), payload.GetProperty("traceparent").GetString());
    }

    [Fact]
    public async Task The_message_has_the_members_that_Celery_writes()
    {
        await using var gateway = await Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["Dispatch__Celery__List"] = "parked" });
        await using var chat = await OpenV2Async(gateway);
        await chat.SayAsync("hello", "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        var ours = await ParkedAsync("parked");
        using var body = Body(ours);
        var payload = body.RootElement[0][0];
        var headers = ours.GetProperty("headers");
        await CeleryWorker.RunAsync(Pipeline.Redis, "reference.py", payload.GetRawText(), $"{turn}", headers.GetProperty("traceparent").GetString()!);
        var reference = await ParkedAsync("reference");

        Assert.Equal(Described(reference, "parked"), Described(ours, "parked"));
        using var theirs = Body(reference);
        Assert.True(JsonElement.DeepEquals(theirs.RootElement, body.RootElement));
        await chat.CancelTurnAsync(turn);
        Assert.Equal("cancelled", (await chat.ReadToAsync("done"))[^1].Reason);
    }

    [Fact]
    public async Task A_priority_selects_the_list_that_a_worker_reads_for_it()
    {
        await using var gateway = await Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["Dispatch__Celery__Priority"] = "7" });
        await using var chat = await OpenV2Async(gateway);
        await chat.SayAsync("hello", "m");
        Assert.Equal("hello ", (await chat.ReadToAsync("done"))[^1].Text);
    }

    [Theory]
    [InlineData("Dispatch__Queue", "rabbit", "Dispatch:Queue")]
    [InlineData("Dispatch__Celery__List", " ", "Dispatch:Celery:List is empty. Name the queue of the Celery workers; Celery's default is celery.")]
    [InlineData("Dispatch__Celery__Priority", "10", "Dispatch:Celery:Priority is 10. It can be a number from 0 to 9.")]
    [InlineData("ConnectionStrings__celery", "redis://localhost:6379/0", "The connection string 'celery' is a URL")]
    public async Task A_setting_that_cannot_be_ends_the_start_with_a_sentence(string setting, string value, string sentence)
    {
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            Pipeline.StartGatewayAsync(new Dictionary<string, string> { [setting] = value })
        );
        Assert.Contains("ended with code 1", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(sentence, refusal.Message, StringComparison.Ordinal);
    }

    private async Task<JsonElement> ParkedAsync(string list) =>
        JsonSerializer.Deserialize<JsonElement>(
            await Until.NotNullAsync(async () => (string?)await Pipeline.Redis.Database.ListGetByIndexAsync(list, 0), what: $"a message on {list}")
        );

    private static JsonDocument Body(JsonElement message) =>
        JsonDocument.Parse(Encoding.UTF8.GetString(message.GetProperty("body").GetBytesFromBase64()));

    /// <summary>All members and values but those that differ between any two messages of Celery.</summary>
    private static string Described(JsonElement message, string list)
    {
        string[] varying = ["body", "argsrepr", "origin", "delivery_tag", "reply_to"];
        var lines = new List<string>();
        Add("", message);
        return string.Join('\n', lines);

        void Add(string path, JsonElement element)
        {
            foreach (var member in element.EnumerateObject())
            {
                var name = $"{path}/{member.Name}";
                if (member.Value.ValueKind == JsonValueKind.Object)
                {
                    Add(name, member.Value);
                }
                else
                {
                    var value = varying.Contains(member.Name) ? "…" : member.Value.GetRawText().Replace(" ", "", StringComparison.Ordinal);
                    lines.Add($"{name} {value.Replace("\"reference\"", $"\"{list}\"", StringComparison.Ordinal)}");
                }
            }
        }
    }
}

[Collection<Sharing<CeleryPipeline<OnGarnet>>>]
public sealed class CeleryMessageOnGarnet(CeleryPipeline<OnGarnet> fixture) : CeleryMessageTests(fixture);

[Collection<Sharing<CeleryPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class CeleryMessageOnRedis(CeleryPipeline<OnRedis> fixture) : CeleryMessageTests(fixture);
