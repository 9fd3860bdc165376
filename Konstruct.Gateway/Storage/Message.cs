namespace Konstruct.Gateway.Storage;

/// <summary>
/// A row of <c>web_conversation_messages</c>. A turn has two rows: the user's, and the assistant's, which is pending until the turn ends.
/// </summary>
internal sealed class Message
{
    public const string User = "user";
    public const string Assistant = "assistant";

    public required Guid TenantId { get; init; }

    public required Guid Id { get; init; }

    public required Guid ConversationId { get; init; }

    /// <summary><see cref="User"/> or <see cref="Assistant"/>.</summary>
    public required string Role { get; init; }

    public required string Content { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public required Guid TurnId { get; init; }

    /// <summary>A word of <see cref="Contracts.Wire.TurnOutcome"/>; a user's row is always completed.</summary>
    public required string Status { get; set; }

    /// <summary>Last issued attempt, from 1; 0 in a user's row.</summary>
    public required int Attempt { get; set; }

    /// <summary>The client's message id, in the user's row; unique per conversation.</summary>
    public string? ClientMessageId { get; init; }

    /// <summary>The task payload, in the assistant's row while it is pending. The sweep dispatches it again.</summary>
    public string? Task { get; set; }
}
