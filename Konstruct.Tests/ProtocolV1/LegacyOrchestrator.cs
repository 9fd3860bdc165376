using System.Text.Json;
using Konstruct.Tests.Harness;
using StackExchange.Redis;
using Xunit;

namespace Konstruct.Tests.ProtocolV1;

/// <summary>
/// An orchestrator in Python as it exists: it prints JSON as <c>json.dumps</c> does by default, with spaces and everything but ASCII
/// escaped, and knows nothing of turns, attempts or logs.
/// </summary>
internal sealed class LegacyOrchestrator(Pipeline pipeline, Person person, Guid conversation)
{
    /// <summary>The task that was dispatched for the conversation; waits until there is one.</summary>
    public async Task<JsonElement> TaskAsync(string? text = null) =>
        JsonSerializer.Deserialize<JsonElement>(
            await Until.NotNullAsync(
                async () =>
                    (await pipeline.Redis.ValuesAsync("*{dispatch}*")).FirstOrDefault(v =>
                        v.Contains($"\"conversation_id\":\"{conversation}\"", StringComparison.Ordinal)
                        && (text is null || v.Contains(PythonJson.Compact(text), StringComparison.Ordinal))
                    ),
                what: $"a task for conversation {conversation}"
            )
        );

    public Task ChunkAsync(string text) => PublishAsync($$"""{"type": "chunk", "text": {{PythonJson.Ascii(text)}}}""");

    public Task DoneAsync(string text) =>
        PublishAsync($$"""{"type": "done", "text": {{PythonJson.Ascii(text)}}, "conversation_id": "{{conversation}}"}""");

    /// <summary>Publishes as it is; somebody must be subscribed.</summary>
    public async Task PublishAsync(RedisValue payload) =>
        Assert.True(
            await pipeline.Redis.PublishAsync(person.ResponseChannel(conversation), payload) > 0,
            "nobody is subscribed to the response channel"
        );
}
