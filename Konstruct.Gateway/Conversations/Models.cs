using System.ComponentModel.DataAnnotations;

namespace Konstruct.Gateway.Conversations;

/// <summary>
/// Body of <c>POST /chat/conversations</c>. Unknown members are ignored. The attributes are for the OpenAPI document:
/// <see cref="RequestReading"/> checks the values.
/// </summary>
/// <param name="AgentId">The AI employee, as the platform names it: 1 to 200 characters.</param>
/// <param name="Title">At most 200 characters after trimming; absent, null or blank: no title.</param>
internal sealed record NewConversation(
    [property: Required, StringLength(RequestReading.MaxCharacters, MinimumLength = 1)] string? AgentId,
    [property: StringLength(RequestReading.MaxCharacters)] string? Title = null
);

/// <summary>Body of <c>PATCH /chat/conversations/{id}</c>.</summary>
/// <param name="Title">The new title: 1 to 200 characters after trimming.</param>
internal sealed record NewTitle([property: Required, StringLength(RequestReading.MaxCharacters, MinimumLength = 1)] string? Title);

/// <summary>A conversation, as its user sees it.</summary>
/// <param name="Id">The id, also the last part of its socket's address.</param>
/// <param name="AgentId">The AI employee; empty when the message that created the conversation named none.</param>
/// <param name="Title">The title; null: none.</param>
/// <param name="CreatedAt">Time of creation, UTC.</param>
/// <param name="UpdatedAt">Time of the last message or rename, UTC.</param>
internal sealed record ConversationItem(Guid Id, string AgentId, string? Title, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>A message, as its user sees it.</summary>
/// <param name="Id">The id.</param>
/// <param name="TurnId">The turn, shared by a question and its answer; a row of the original gateway is a turn by itself, with its own id.</param>
/// <param name="Role"><c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">The text; empty while an answer is pending.</param>
/// <param name="Status"><c>pending</c>, <c>completed</c>, <c>cancelled</c> or <c>failed</c>; a user's message is always completed.</param>
/// <param name="CreatedAt">Time of acceptance, UTC; an answer's is a microsecond after its question's.</param>
internal sealed record MessageItem(Guid Id, Guid TurnId, string Role, string Content, string Status, DateTimeOffset CreatedAt);

/// <summary>A page of a list, newest first.</summary>
/// <param name="Items">The items.</param>
/// <param name="Next">The <c>cursor</c> of the next page; null: this is the last page.</param>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? Next);
