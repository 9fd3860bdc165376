namespace Konstruct.Gateway.Conversations;

/// <summary>A row of <c>web_conversation_messages</c>. A turn is two rows: the user's, and the assistant's, which is pending until the turn ends.</summary>
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

    /// <summary>The attempt that was given out last, from 1; 0 in a user's row.</summary>
    public required int Attempt { get; set; }

    /// <summary>The client's own id, in the user's row; unique in its conversation.</summary>
    public string? ClientMessageId { get; init; }

    /// <summary>The task payload, in the assistant's row while it is pending: what the sweep dispatches again.</summary>
    public string? Task { get; set; }
}
