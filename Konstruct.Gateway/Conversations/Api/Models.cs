namespace Konstruct.Gateway.Conversations.Api;

/// <summary>What <c>POST /chat/conversations</c> takes. Members that are not listed are ignored.</summary>
/// <param name="AgentId">The AI employee, as the platform names it: 1 to 200 characters.</param>
/// <param name="Title">At most 200 characters once trimmed; absent, null or blank: no title.</param>
internal sealed record NewConversation(string? AgentId, string? Title);

/// <summary>What <c>PATCH /chat/conversations/{id}</c> takes.</summary>
/// <param name="Title">The new title: 1 to 200 characters once trimmed.</param>
internal sealed record NewTitle(string? Title);

/// <summary>A conversation as its user sees it.</summary>
/// <param name="Id">Its id, also the last part of its socket's address.</param>
/// <param name="AgentId">The AI employee; empty when the message that created it named none.</param>
/// <param name="Title">The title; null: it has none.</param>
/// <param name="CreatedAt">When it was created, UTC.</param>
/// <param name="UpdatedAt">When something was last said in it, or it was renamed, UTC.</param>
internal sealed record ConversationItem(Guid Id, string AgentId, string? Title, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>A message as its user sees it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="TurnId">The turn: a question and its answer have the same.</param>
/// <param name="Role"><c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">The text; of an answer that is still being written: empty.</param>
/// <param name="Status"><c>pending</c>, <c>completed</c>, <c>cancelled</c> or <c>failed</c>; a user's message is always completed.</param>
/// <param name="CreatedAt">When it was accepted, UTC; an answer has its question's.</param>
internal sealed record MessageItem(Guid Id, Guid TurnId, string Role, string Content, string Status, DateTimeOffset CreatedAt);

/// <summary>A page of a list, newest first.</summary>
/// <param name="Items">What it holds.</param>
/// <param name="Next">What to ask for as <c>cursor</c> to have the page after it; null: this is the last.</param>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? Next);
