namespace Konstruct.Tests.Chaos;

/// <summary>How a turn ended: as a client was told, or as a row says.</summary>
/// <param name="Status"><c>completed</c>, <c>cancelled</c> or <c>failed</c>; null: version 1 does not say which of the first two.</param>
/// <param name="Attempt">The attempt that ended; null: version 1 does not say.</param>
/// <param name="Text">The whole text; null: version 1 does not say that of a failed turn.</param>
internal sealed record TurnEnding(string? Status, int? Attempt, string? Text);

/// <summary>A message that a client sent.</summary>
/// <param name="Tenant">Whose it is.</param>
/// <param name="Conversation">Where.</param>
/// <param name="Text">What; no other message has this text.</param>
/// <param name="MessageId">The client's id; null: version 1 has none.</param>
/// <param name="Whim">What else the person did with it.</param>
internal sealed record AskedMessage(Guid Tenant, Guid Conversation, string Text, string? MessageId, Whim Whim = Whim.None);

/// <summary>What a person does beside asking.</summary>
internal enum Whim
{
    None,

    /// <summary>Cancels at once, perhaps before the gateway knows of the message.</summary>
    CancelAtOnce,

    /// <summary>Cancels after some chunks.</summary>
    Cancel,

    /// <summary>Loses the connection after some chunks.</summary>
    Drop,

    /// <summary>Sends the message again after some chunks.</summary>
    Repeat,

    /// <summary>Sends the message from a second tab as well.</summary>
    SendFromTwoTabs,

    /// <summary>Opens a second tab after some chunks.</summary>
    OpenTab,
}

/// <summary>What one client was told of one turn.</summary>
/// <param name="Client">Who, for a person.</param>
/// <param name="Conversation">Where.</param>
/// <param name="Message">The text of the message where the client knows it; null: another tab sent it.</param>
/// <param name="TurnId">The turn; null: version 1 does not say.</param>
/// <param name="IsAccepted">Whether the client was told, in whatever way, that the message is accepted.</param>
/// <param name="Streamed">The chunks of the last attempt.</param>
/// <param name="Ending">The end; null: it was not told.</param>
internal sealed record ToldTurn(string Client, Guid Conversation, string? Message, Guid? TurnId, bool IsAccepted, string Streamed, TurnEnding? Ending)
{
    /// <summary>Chunks that are missing, by seq.</summary>
    public IReadOnlyList<string> Gaps { get; init; } = [];

    /// <summary>Chunks and ends that came again.</summary>
    public IReadOnlyList<string> Repetitions { get; init; } = [];

    /// <summary>What went to and fro, for a person.</summary>
    public string Story { get; init; } = "";

    /// <summary>Whether the client waited to the last for the end.</summary>
    public bool MustEnd { get; init; }

    /// <summary>Whether nothing kept the gateways from the log between question and end: all text must have been streamed.</summary>
    public bool MustBeWhole { get; init; }
}

/// <summary>A turn as Postgres has it: the user's row, whether it is running, and the rows of its ends.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="Tenant">Whose.</param>
/// <param name="Conversation">Where.</param>
/// <param name="Question">The user's text; null: there is an answer without a question.</param>
/// <param name="MessageId">The client's id.</param>
/// <param name="IsRunning">Whether <c>web_turns</c> has it.</param>
/// <param name="Endings">The assistant's rows.</param>
internal sealed record StoredTurn(
    Guid TurnId,
    Guid Tenant,
    Guid Conversation,
    string? Question,
    string? MessageId,
    bool IsRunning,
    IReadOnlyList<TurnEnding> Endings
);
