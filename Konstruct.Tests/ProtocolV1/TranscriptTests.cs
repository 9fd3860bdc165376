using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.ProtocolV1;

/// <summary>
/// The session that the original documents, frame for frame, with the rows that it leaves. The transcript is written down as it goes
/// over the wire, so that it can be compared with the original without reading code.
/// </summary>
public abstract class TranscriptTests(LegacyPipeline fixture) : PipelineTests(fixture)
{
    // > the browser sends; < the browser receives; ? a task with this text is dispatched; * the orchestrator publishes; = the rows afterwards
    private const string Transcript = """
        > {"type": "auth", "userId": "USER", "role": "customer_admin", "tenantId": "TENANT"}
        > {"type": "message", "text": "What can you do?", "agentId": "0b3c9f0e-9d3f-4b53-8f0d-5d2f3c1d7a11", "conversationId": "CONVERSATION"}
        < {"type":"typing"}
        ? What can you do?
        * {"type": "chunk", "text": "I can "}
        < {"type":"chunk","text":"I can "}
        * {"type": "chunk", "text": "answer \u2014 \"quoted\",\n"}
        < {"type":"chunk","text":"answer — \"quoted\",\n"}
        * {"type": "chunk", "text": "in \u05e2\u05d1\u05e8\u05d9\u05ea \ud83d\udc4b"}
        < {"type":"chunk","text":"in עברית 👋"}
        * {"type": "done", "text": "I can answer \u2014 \"quoted\",\nin \u05e2\u05d1\u05e8\u05d9\u05ea \ud83d\udc4b", "conversation_id": "CONVERSATION"}
        < {"type":"done","text":"I can answer — \"quoted\",\nin עברית 👋","conversation_id":"CONVERSATION"}
        > {"type": "message", "text": "Thanks", "agentId": "0b3c9f0e-9d3f-4b53-8f0d-5d2f3c1d7a11", "displayName": "Zo\u00eb"}
        < {"type":"typing"}
        ? Thanks
        * {"type": "done", "text": "You are welcome.", "conversation_id": "CONVERSATION"}
        < {"type":"done","text":"You are welcome.","conversation_id":"CONVERSATION"}
        = user "What can you do?"
        = assistant "I can answer — \"quoted\",\nin עברית 👋"
        = user "Thanks"
        = assistant "You are welcome."
        """;

    [Fact]
    public async Task The_documented_session_runs_byte_for_byte()
    {
        var person = Person.New();
        var conversation = Guid.NewGuid();
        var orchestrator = new LegacyOrchestrator(Pipeline, person, conversation);
        var said = new List<string>();
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{conversation}");

        foreach (var line in Transcript.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var frame = line[2..]
                .Replace("CONVERSATION", $"{conversation}", StringComparison.Ordinal)
                .Replace("TENANT", $"{person.Tenant}", StringComparison.Ordinal)
                .Replace("USER", $"{person.User}", StringComparison.Ordinal);
            switch (line[0])
            {
                case '#':
                    break;
                case '>':
                    await chat.SendAsync(frame);
                    break;
                case '<':
                    await chat.ExpectAsync(frame);
                    break;
                case '?':
                    await orchestrator.TaskAsync(frame);
                    break;
                case '*':
                    await orchestrator.PublishAsync(frame);
                    break;
                case '=':
                    said.Add(frame);
                    break;
                default:
                    Assert.Fail($"What is this line of the transcript? {line}");
                    break;
            }
        }

        Assert.Equal(said, (await Sql.MessagesAsync(conversation)).Select(m => $"{m.Role} {PythonJson.Compact(m.Content)}"));
    }
}

[Collection<Sharing<LegacyPipeline<OnGarnet>>>]
public sealed class TranscriptOnGarnet(LegacyPipeline<OnGarnet> fixture) : TranscriptTests(fixture);

[Collection<Sharing<LegacyPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class TranscriptOnRedis(LegacyPipeline<OnRedis> fixture) : TranscriptTests(fixture);
