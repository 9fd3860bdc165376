namespace Konstruct.Contracts.Wire;

/// <summary>
/// What an <c>error</c> frame says. A v1 client sees <see cref="Message"/> alone; a v2 client also gets <see cref="Code"/> and
/// <see cref="Retryable"/>. The table in docs/reference/protocol.md is checked against <see cref="All"/>.
/// </summary>
/// <param name="Code">Stable, machine-readable, <c>snake_case</c>. Never reused for another meaning.</param>
/// <param name="Message">One sentence for a person. Holds no text of users, no id of others, nothing of an exception.</param>
/// <param name="Retryable">Whether sending the same frame again, later, can succeed.</param>
public sealed record WireError(string Code, string Message, bool Retryable)
{
    /// <summary>The first frame was not an auth frame, or none came in time. Closes 4001.</summary>
    public static readonly WireError AuthFirst = new("auth_first", "First message must be auth", false);

    /// <summary>The auth frame lacks a user or a tenant. Closes 4001.</summary>
    public static readonly WireError AuthIncomplete = new("auth_incomplete", "Missing userId or tenantId in auth", false);

    /// <summary>An id of the auth frame is no UUID. Closes 4001.</summary>
    public static readonly WireError AuthInvalidId = new("auth_invalid_id", "Invalid UUID format in auth", false);

    /// <summary>With tokens: there is none, or it is expired, not signed by the issuer, or meant for somebody else. Which one is not told. Closes 4001.</summary>
    public static readonly WireError AuthInvalidToken = new("auth_invalid_token", "The token is missing, expired or not valid.", false);

    /// <summary>The auth frame names a user, tenant or role, and its token another; or a later token is another user's. Closes 4001.</summary>
    public static readonly WireError AuthContradiction = new("auth_contradiction", "The token is for another user, tenant or role.", false);

    /// <summary>This user, or this gateway, has as many sockets as it may. Closes 4009.</summary>
    public static readonly WireError TooManySockets = new("too_many_sockets", "Too many connections are open. Close one, or try again later.", true);

    /// <summary>A frame after auth is not JSON, not an object, or a member has the wrong type. The socket stays.</summary>
    public static readonly WireError BadFrame = new("bad_frame", "The frame is not valid. Expected a JSON object with the documented members.", false);

    /// <summary>A message without text. Nothing is stored.</summary>
    public static readonly WireError EmptyText = new("empty_text", "The message has no text.", false);

    /// <summary>The text is longer than the limit. Nothing is stored.</summary>
    public static readonly WireError TextTooLong = new("text_too_long", "The text is too long.", false);

    /// <summary>The conversation's id is no UUID. Nothing is stored.</summary>
    public static readonly WireError InvalidConversationId = new("invalid_conversation_id", "The conversation id is not a UUID.", false);

    /// <summary>The conversation does not exist, or not for this user and tenant: the two are not told apart.</summary>
    public static readonly WireError ConversationNotFound = new("conversation_not_found", "The conversation does not exist.", false);

    /// <summary>In v2 a socket belongs to the conversation of its URL.</summary>
    public static readonly WireError ConversationMismatch = new("conversation_mismatch", "The conversationId differs from the socket's.", false);

    /// <summary>The client's own message id is longer than 128 characters or empty.</summary>
    public static readonly WireError InvalidMessageId = new("invalid_message_id", "The messageId must have 1 to 128 characters.", false);

    /// <summary>The turn is unknown in this conversation.</summary>
    public static readonly WireError TurnNotFound = new("turn_not_found", "The turn does not exist in this conversation.", false);

    /// <summary>The user sends faster than the limit allows, over all sockets and gateways. The message was not accepted.</summary>
    public static readonly WireError TooManyMessages = new("too_many_messages", "Too many messages in a short time. Wait a little, then send again.", true);

    /// <summary>The user asks faster than the limit allows: frames that are not messages, and calls of the API. Nothing was done.</summary>
    public static readonly WireError TooManyRequests = new("too_many_requests", "Too many requests in a short time. Wait a little, then try again.", true);

    /// <summary>More messages wait on this socket than the limit. The message was not accepted.</summary>
    public static readonly WireError TooManyWaiting = new("too_many_waiting", "Too many messages are waiting. Wait for an answer, then send again.", true);

    /// <summary>More turns run in this conversation than the limit. The message was not accepted.</summary>
    public static readonly WireError TooManyTurns = new("too_many_turns", "Too many answers are being written in this conversation. Try again shortly.", true);

    /// <summary>A store is down or too slow. The message was not accepted.</summary>
    public static readonly WireError Unavailable = new("unavailable", "The service cannot accept messages right now. Please try again.", true);

    /// <summary>The gateway is shutting down. The message was not accepted.</summary>
    public static readonly WireError Restarting = new("restarting", "The service is restarting. Please try again.", true);

    /// <summary>The turn ended without an answer: a worker failed, or none answered in time. The words are the original's.</summary>
    public static readonly WireError AgentTimeout = new("agent_timeout", "Agent did not respond in time. Please try again.", true);

    /// <summary>Every error there is, in the order of the documented table.</summary>
    public static IReadOnlyList<WireError> All { get; } =
    [
        AuthFirst, AuthIncomplete, AuthInvalidId, AuthInvalidToken, AuthContradiction, TooManySockets, BadFrame, EmptyText, TextTooLong,
        InvalidConversationId, ConversationNotFound, ConversationMismatch, InvalidMessageId, TurnNotFound, TooManyMessages, TooManyRequests, TooManyWaiting,
        TooManyTurns, Unavailable, Restarting, AgentTimeout,
    ];
}
