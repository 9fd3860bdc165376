using System.Text.Json;
using System.Text.Json.Serialization;
using Konstruct.Contracts.Redis;

namespace Konstruct.Contracts.Dispatch;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true
)]
[JsonSerializable(typeof(KonstructMessage))]
internal sealed partial class KonstructMessageJson : JsonSerializerContext;

/// <summary>
/// A user's message as the orchestrator gets it: the original's task payload (its KonstructMessage and the two extras),
/// followed by our members. Members appear in this order; ids are lower-case UUIDs with hyphens.
/// </summary>
public sealed record KonstructMessage
{
    /// <summary>The message's id.</summary>
    public required Guid Id { get; init; }

    /// <summary>The tenant.</summary>
    public required Guid TenantId { get; init; }

    /// <summary>Always <c>web</c> here: the platform has other channels.</summary>
    public string Channel { get; init; } = "web";

    /// <summary>Metadata of the web channel.</summary>
    public required ChannelMetadata ChannelMetadata { get; init; }

    /// <summary>The sender.</summary>
    public required Sender Sender { get; init; }

    /// <summary>The content.</summary>
    public required Content Content { get; init; }

    /// <summary>Time of the message, UTC, ISO 8601.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>The conversation, which scopes the agent's memory.</summary>
    public required Guid ThreadId { get; init; }

    /// <summary>Always null on the web channel.</summary>
    public string? ReplyTo { get; init; }

    /// <summary>Always empty on the web channel.</summary>
    public IReadOnlyDictionary<string, JsonElement> Context { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>The original's first extra: the conversation.</summary>
    public required Guid ConversationId { get; init; }

    /// <summary>The original's second extra: the user, as the client spelled the id.</summary>
    public required string PortalUserId { get; init; }

    /// <summary>The AI employee, as the client named it; may be empty.</summary>
    public required string AgentId { get; init; }

    /// <summary>The turn that this message began.</summary>
    public required Guid TurnId { get; init; }

    /// <summary>Number of the attempt, from 1. Postgres issues the numbers.</summary>
    public required int Attempt { get; init; }

    /// <summary>W3C trace context of the turn; null: not traced.</summary>
    public string? Traceparent { get; init; }

    /// <summary>The payload as compact UTF-8.</summary>
    public byte[] ToUtf8() => JsonSerializer.SerializeToUtf8Bytes(this, KonstructMessageJson.Default.KonstructMessage);

    /// <summary>The payload as text, for a column in Postgres.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, KonstructMessageJson.Default.KonstructMessage);

    /// <summary>Parses a payload. Throws <see cref="JsonException"/> if it is not valid.</summary>
    public static KonstructMessage Parse(ReadOnlySpan<byte> utf8) =>
        Check(JsonSerializer.Deserialize(utf8, KonstructMessageJson.Default.KonstructMessage));

    /// <summary>Parses a payload. Throws <see cref="JsonException"/> if it is not valid.</summary>
    public static KonstructMessage Parse(string json) => Check(JsonSerializer.Deserialize(json, KonstructMessageJson.Default.KonstructMessage));

    private static KonstructMessage Check(KonstructMessage? message) =>
        message switch
        {
            null => throw new JsonException("The task payload is null."),
            { Attempt: < 1 or > StreamEvent.MaxAttempt } => throw new JsonException(
                $"The task payload's attempt is not from 1 to {StreamEvent.MaxAttempt}."
            ),
            { ChannelMetadata: var web } when web.TenantId != message.TenantId || web.ConversationId != message.ConversationId =>
                throw new JsonException("The task payload names two tenants or two conversations."),
            _ => message,
        };
}

/// <summary>Metadata of the web channel.</summary>
/// <param name="PortalUserId">The portal's user.</param>
/// <param name="TenantId">The tenant.</param>
/// <param name="ConversationId">The conversation.</param>
public sealed record ChannelMetadata(string PortalUserId, Guid TenantId, Guid ConversationId);

/// <summary>The sender of a message.</summary>
/// <param name="UserId">The portal's user.</param>
/// <param name="DisplayName">The name to show.</param>
public sealed record Sender(string UserId, string DisplayName);

/// <summary>The content of a message.</summary>
/// <param name="Text">The text; never empty.</param>
public sealed record Content(string Text);
