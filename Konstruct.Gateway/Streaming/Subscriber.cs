namespace Konstruct.Gateway.Streaming;

/// <summary>Whether a subscriber may receive turns of its conversation.</summary>
internal enum SubscriberState
{
    /// <summary>The lookup is in flight; <c>ready</c> was not sent.</summary>
    Opening,

    /// <summary>The conversation does not exist yet. It is looked up again once it is created, because it may then belong to another user.</summary>
    AwaitingCreation,

    /// <summary>The subscriber follows every new turn.</summary>
    Joined,

    /// <summary>The conversation belongs to another user.</summary>
    Refused,
}

/// <summary>A subscriber: a v2 socket that follows every new turn of its conversation, and earlier turns that it resumes.</summary>
/// <param name="userId">Its user.</param>
/// <param name="sink">Takes its frames.</param>
/// <param name="conversationIdAsSpelled">The conversation's id as the client wrote it.</param>
/// <param name="pingInterval">Told to the client in <c>ready</c>; 0: not told.</param>
internal sealed class Subscriber(Guid userId, IFrameSink sink, string conversationIdAsSpelled, TimeSpan pingInterval = default)
{
    public Guid UserId => userId;

    public IFrameSink Sink => sink;

    public string ConversationId => conversationIdAsSpelled;

    public TimeSpan PingInterval => pingInterval;

    /// <summary>Guarded by the feed's gate.</summary>
    public SubscriberState State { get; set; }

    /// <summary>Number of lookups in flight. Guarded by the feed's gate.</summary>
    public int LookUps { get; set; }

    /// <summary>Turns that began before it joined and were not resumed; not sent. Guarded by the feed's gate.</summary>
    public HashSet<Guid> Silent { get; } = [];
}
