namespace Konstruct.Gateway.Storage;

/// <summary>
/// A row of <c>web_conversation_messages</c>. An ended turn has two rows: the user's and the assistant's. A running one has the user's only, and a <see cref="RunningTurn"/>.
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

    /// <summary>Null: the row is not this gateway's. The original gateway knows no turns.</summary>
    public Guid? TurnId { get; init; }

    /// <summary>How the turn ended, a word of <see cref="Contracts.Wire.TurnOutcome"/>; a user's row is always completed.</summary>
    public required string Status { get; set; }

    /// <summary>The attempt that ended, from 1; 0 in a user's row.</summary>
    public required int Attempt { get; set; }

    /// <summary>The client's message id, in the user's row; unique per conversation.</summary>
    public string? ClientMessageId { get; init; }
}
