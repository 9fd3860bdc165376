namespace Konstruct.Gateway.Storage;

/// <summary>A row of <c>web_conversations</c>.</summary>
internal sealed class Conversation
{
    public required Guid TenantId { get; init; }

    /// <summary>Unique across all tenants, so that an id never refers to two conversations.</summary>
    public required Guid Id { get; init; }

    public required Guid UserId { get; init; }

    /// <summary>The AI employee, as the client named it; may be empty.</summary>
    public required string AgentId { get; init; }

    public string? Title { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }
}
