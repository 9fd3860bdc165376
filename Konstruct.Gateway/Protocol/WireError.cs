namespace Konstruct.Gateway.Protocol;

/// <summary>
/// Content of an <c>error</c> frame. A v1 client gets only <see cref="Message"/>; a v2 client also gets <see cref="Code"/>
/// and <see cref="Retryable"/>. A test checks the table in docs/reference/protocol.md against <see cref="All"/>.
/// </summary>
/// <param name="Code">Stable, machine-readable, <c>snake_case</c>. Never reused for another meaning.</param>
/// <param name="Message">One sentence for a person. Contains no text of users, no ids of others, and nothing of an exception.</param>
/// <param name="Retryable">Whether the same frame can succeed later.</param>
internal sealed record WireError(string Code, string Message, bool Retryable)
{
    /// <summary>The first frame was not an auth frame, or none arrived in time. Closes 4001.</summary>
    public static readonly WireError AuthFirst = new("auth_first", "First message must be auth", false);

    /// <summary>The auth frame lacks a user or a tenant. Closes 4001.</summary>
    public static readonly WireError AuthIncomplete = new("auth_incomplete", "Missing userId or tenantId in auth", false);

    /// <summary>An id of the auth frame is not a UUID. Closes 4001.</summary>
    public static readonly WireError AuthInvalidId = new("auth_invalid_id", "Invalid UUID format in auth", false);

    /// <summary>
    /// Token mode: the token is missing, expired, not signed by the issuer, or has another audience. The client is not told which. Closes 4001.
    /// </summary>
    public static readonly WireError AuthInvalidToken = new("auth_invalid_token", "The token is missing, expired or not valid.", false);

    /// <summary>The auth frame contradicts its token in user, tenant or role, or a later token belongs to another user. Closes 4001.</summary>
    public static readonly WireError AuthContradiction = new("auth_contradiction", "The token is for another user, tenant or role.", false);

    /// <summary>This user or this gateway has the maximum number of sockets. Closes 4009.</summary>
    public static readonly WireError TooManySockets = new("too_many_sockets", "Too many connections are open. Close one, or try again later.", true);

    /// <summary>A frame after auth is not JSON, not an object, or has a member of the wrong type. The socket stays open.</summary>
    public static readonly WireError BadFrame = new(
        "bad_frame",
        "The frame is not valid. Expected a JSON object with the documented members.",
        false
    );

    /// <summary>The message has no text. Nothing is stored.</summary>
    public static readonly WireError EmptyText = new("empty_text", "The message has no text.", false);

    /// <summary>The text is longer than the limit. Nothing is stored.</summary>
    public static readonly WireError TextTooLong = new("text_too_long", "The text is too long.", false);

    /// <summary>The conversation id is not a UUID. Nothing is stored.</summary>
    public static readonly WireError InvalidConversationId = new("invalid_conversation_id", "The conversation id is not a UUID.", false);

    /// <summary>The conversation does not exist for this user and tenant. Conversations of others get the same error.</summary>
    public static readonly WireError ConversationNotFound = new("conversation_not_found", "The conversation does not exist.", false);

    /// <summary>The message names another conversation than the URL, which v2 does not allow.</summary>
    public static readonly WireError ConversationMismatch = new("conversation_mismatch", "The conversationId differs from the socket's.", false);

    /// <summary>The client's message id is empty or longer than 128 characters.</summary>
    public static readonly WireError InvalidMessageId = new("invalid_message_id", "The messageId must have 1 to 128 characters.", false);

    /// <summary>The turn does not exist in this conversation.</summary>
    public static readonly WireError TurnNotFound = new("turn_not_found", "The turn does not exist in this conversation.", false);

    /// <summary>The user exceeds the message rate, over all sockets and gateways. The message was not accepted.</summary>
    public static readonly WireError TooManyMessages = new(
        "too_many_messages",
        "Too many messages in a short time. Wait a little, then send again.",
        true
    );

    /// <summary>The user exceeds the request rate, which covers frames other than messages and API calls. Nothing was done.</summary>
    public static readonly WireError TooManyRequests = new(
        "too_many_requests",
        "Too many requests in a short time. Wait a little, then try again.",
        true
    );

    /// <summary>The socket has the maximum number of waiting messages. The message was not accepted.</summary>
    public static readonly WireError TooManyWaiting = new(
        "too_many_waiting",
        "Too many messages are waiting. Wait for an answer, then send again.",
        true
    );

    /// <summary>The conversation has the maximum number of running turns. The message was not accepted.</summary>
    public static readonly WireError TooManyTurns = new(
        "too_many_turns",
        "Too many answers are being written in this conversation. Try again shortly.",
        true
    );

    /// <summary>A store is down or too slow. The message was not accepted.</summary>
    public static readonly WireError Unavailable = new("unavailable", "The service cannot accept messages right now. Please try again.", true);

    /// <summary>The gateway is shutting down. The message was not accepted.</summary>
    public static readonly WireError Restarting = new("restarting", "The service is restarting. Please try again.", true);

    /// <summary>The turn failed: a worker failed, or no answer came in time. The words are the original's.</summary>
    public static readonly WireError AgentTimeout = new("agent_timeout", "Agent did not respond in time. Please try again.", true);

    /// <summary>All errors, in the order of the documented table.</summary>
    public static IReadOnlyList<WireError> All { get; } =
    [
        AuthFirst,
        AuthIncomplete,
        AuthInvalidId,
        AuthInvalidToken,
        AuthContradiction,
        TooManySockets,
        BadFrame,
        EmptyText,
        TextTooLong,
        InvalidConversationId,
        ConversationNotFound,
        ConversationMismatch,
        InvalidMessageId,
        TurnNotFound,
        TooManyMessages,
        TooManyRequests,
        TooManyWaiting,
        TooManyTurns,
        Unavailable,
        Restarting,
        AgentTimeout,
    ];
}
