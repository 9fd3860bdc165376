using System.Text.Json;
using System.Text.Json.Nodes;
using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Xunit;

namespace Konstruct.Tests.Contracts;

/// <summary>A task payload that is not what it should be is refused as such. Nothing is done with half of it.</summary>
public sealed class TaskPayloadTests
{
    private static readonly Guid Tenant = Guid.NewGuid(),
        Conversation = Guid.NewGuid(),
        Turn = Guid.NewGuid();

    [Fact]
    public void A_whole_one_is_read()
    {
        Assert.Null(Read(Whole(), out var message));
        Assert.Equal(Turn, message.TurnId);
    }

    [Theory]
    [InlineData("attempt", "0")]
    [InlineData("attempt", "2147483647")]
    [InlineData("attempt", "99999999999")]
    [InlineData("attempt", "2")]
    [InlineData("turn_id", "\"0b3c9f0e-9d3f-4b53-8f0d-5d2f3c1d7a11\"")]
    [InlineData("tenant_id", "\"0b3c9f0e-9d3f-4b53-8f0d-5d2f3c1d7a11\"")]
    [InlineData("conversation_id", "\"0b3c9f0e-9d3f-4b53-8f0d-5d2f3c1d7a11\"")]
    [InlineData("sender", "null")]
    [InlineData("content", "null")]
    [InlineData("content", "{\"text\":null}")]
    [InlineData("content", "{}")]
    [InlineData("channel_metadata", "null")]
    [InlineData("agent_id", "null")]
    public void A_member_that_makes_no_sense_or_names_another_entry_refuses_it(string member, string value)
    {
        var task = Whole();
        task[member] = JsonNode.Parse(value);
        Assert.NotNull(Read(task, out _));
    }

    [Fact]
    public void A_member_that_is_missing_refuses_it()
    {
        foreach (var member in new[] { "tenant_id", "channel_metadata", "sender", "content", "conversation_id", "turn_id", "attempt" })
        {
            var task = Whole();
            task.Remove(member);
            Assert.NotNull(Read(task, out _));
        }
    }

    private static UnreadableReason? Read(JsonObject task, out KonstructMessage message) =>
        TaskReading.TryRead(RedisKeys.Entry(Turn, 1), JsonSerializer.SerializeToUtf8Bytes(task), out message);

    private static JsonObject Whole() =>
        JsonNode
            .Parse(
                new KonstructMessage
                {
                    Id = Guid.NewGuid(),
                    TenantId = Tenant,
                    ChannelMetadata = new("user", Tenant, Conversation),
                    Sender = new("user", "Portal User"),
                    Content = new("hello"),
                    Timestamp = DateTimeOffset.UtcNow,
                    ThreadId = Conversation,
                    ConversationId = Conversation,
                    PortalUserId = "user",
                    AgentId = "",
                    TurnId = Turn,
                    Attempt = 1,
                }.ToUtf8()
            )!
            .AsObject();
}
