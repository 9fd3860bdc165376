using System.Text.Json;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV2;
using Xunit;

namespace Konstruct.Tests.Celery;

/// <summary>What tests over a Celery worker have at hand.</summary>
public abstract class CeleryTestBase(CeleryPipeline fixture) : PipelineTests(fixture)
{
    private protected Person Me { get; } = Person.New();

    private protected Guid Conversation { get; } = Guid.NewGuid();

    private protected CeleryPipeline Fixture { get; } = fixture;

    public override ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result is TestResult.Failed)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"---- celery\n{Fixture.Worker.Log}");
        }

        GC.SuppressFinalize(this);
        return base.DisposeAsync();
    }

    /// <summary>A message whose text is steps of the task.</summary>
    private protected static string Steps(params (string Step, object Value)[] steps) =>
        JsonSerializer.Serialize(steps.Select(step => new[] { step.Step, step.Value }));

    private protected async Task<RawChat> OpenV2Async(ServiceProcess? gateway = null) =>
        (await RawChat.OpenV2Async(gateway ?? Gateway, Me, Conversation)).Chat;

    /// <summary>Lets a task that waits go on.</summary>
    private protected Task GoAsync(string name = "go") => Pipeline.Redis.Database.ListLeftPushAsync($"go:{Conversation}:{name}", "1");

    /// <summary>What the worker was given for a turn, once for each delivery.</summary>
    private protected async Task<IReadOnlyList<JsonElement>> SeenAsync(Guid turnId, int deliveries = 1) =>
        await Until.NotNullAsync(async () =>
        {
            var seen = await Pipeline.Redis.Database.ListRangeAsync($"seen:{turnId}");
            return seen.Length >= deliveries ? seen.Select(each => JsonSerializer.Deserialize<JsonElement>((string)each!)).ToArray() : null;
        });

    /// <summary>The id of the conversation's one turn with this status.</summary>
    private protected Task<Guid> TurnOfAsync(string status) =>
        Sql.ScalarAsync<Guid>(
            "SELECT turn_id FROM web_conversation_messages WHERE conversation_id = $1 AND role = 'assistant' AND status = $2",
            Conversation,
            status
        );

    private protected async Task<IReadOnlyList<string>> AnswersAsync(int answers = 1) =>
        [.. (await AnsweredAsync(Conversation, answers)).Where(m => m.Role == "assistant").Select(m => $"{m.Status}: {m.Content}")];

    /// <summary>The frames of one turn of version 2, from its first chunk to its end.</summary>
    private protected static IEnumerable<string> Expected(Guid conversation, Guid turn, IEnumerable<string> chunks, string? text = null)
    {
        var all = chunks.ToList();
        return all.Select((chunk, i) => Frames2.Chunk(chunk, turn, 1, i + 1))
            .Append(Frames2.Done(text ?? string.Concat(all), conversation, turn, 1, "completed"));
    }
}
