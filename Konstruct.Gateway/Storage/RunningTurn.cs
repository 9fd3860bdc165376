namespace Konstruct.Gateway.Storage;

/// <summary>
/// A row of <c>web_turns</c>: a turn that has not ended. It is inserted with the user's row. At the end, the transaction that deletes it
/// inserts the assistant's row.
/// </summary>
internal sealed class RunningTurn
{
    public required Guid TenantId { get; init; }

    public required Guid ConversationId { get; init; }

    public required Guid TurnId { get; init; }

    /// <summary>Id of the user's row.</summary>
    public required Guid QuestionId { get; init; }

    /// <summary>Id that the assistant's row will have.</summary>
    public required Guid AnswerId { get; init; }

    /// <summary>Last issued attempt, from 1; 0: the first one was returned.</summary>
    public required int Attempt { get; set; }

    /// <summary>
    /// Time that the assistant's row will have: a microsecond after the user's row. So the answer follows its question in every list that is ordered by time.
    /// </summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The task payload. The sweep dispatches it again.</summary>
    public required string Task { get; init; }
}
