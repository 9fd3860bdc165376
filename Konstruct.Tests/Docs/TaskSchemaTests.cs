using System.Text.Json;
using System.Text.RegularExpressions;
using Konstruct.Contracts.Dispatch;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Docs;

/// <summary>The JSON Schema of docs/guide/orchestrator.md names the members that a task payload has, and no others.</summary>
public sealed partial class TaskSchemaTests
{
    [Fact]
    public async Task The_schema_has_the_members_of_a_payload()
    {
        var page = await File.ReadAllTextAsync(
            Path.Combine(BuiltPrograms.RepositoryRoot, "docs", "guide", "orchestrator.md"),
            TestContext.Current.CancellationToken
        );
        using var schema = JsonDocument.Parse(Block().Match(page).Groups[1].Value);
        var (tenant, conversation) = (Guid.NewGuid(), Guid.NewGuid());
        var task = new KonstructMessage
        {
            Id = Guid.NewGuid(),
            TenantId = tenant,
            ChannelMetadata = new("user", tenant, conversation),
            Sender = new("user", "Portal User"),
            Content = new("Hello"),
            Timestamp = DateTimeOffset.UtcNow,
            ThreadId = conversation,
            ConversationId = conversation,
            PortalUserId = "user",
            AgentId = "agent",
            TurnId = Guid.NewGuid(),
            Attempt = 1,
            Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        };
        using var payload = JsonDocument.Parse(task.ToUtf8());

        AssertSame(schema.RootElement, payload.RootElement);
    }

    private static void AssertSame(JsonElement schema, JsonElement payload)
    {
        var properties = schema.GetProperty("properties");
        Assert.Equal(payload.EnumerateObject().Select(member => member.Name), properties.EnumerateObject().Select(member => member.Name));
        Assert.Subset(
            properties.EnumerateObject().Select(member => member.Name).ToHashSet(),
            schema.GetProperty("required").EnumerateArray().Select(name => name.GetString()!).ToHashSet()
        );
        foreach (var member in properties.EnumerateObject().Where(member => member.Value.TryGetProperty("properties", out _)))
        {
            AssertSame(member.Value, payload.GetProperty(member.Name));
        }
    }

    [GeneratedRegex("```json\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
