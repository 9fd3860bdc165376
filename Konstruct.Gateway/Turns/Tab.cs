using Konstruct.Gateway.Conversations;
using Konstruct.Gateway.Sockets;

namespace Konstruct.Gateway.Turns;

/// <summary>Whether a tab may hear of its conversation.</summary>
internal enum TabState
{
    /// <summary>It is being looked up; <c>ready</c> was not sent.</summary>
    Opening,

    /// <summary>The conversation does not exist yet. When somebody creates it, it is looked up again: it may be another user's then.</summary>
    Hopeful,

    /// <summary>It follows every turn that begins.</summary>
    Joined,

    /// <summary>The conversation is another user's.</summary>
    Refused,
}

/// <summary>A v2 socket in its conversation: it follows every turn that begins, and those that ran before when it resumes them.</summary>
internal sealed class Tab(ConversationKey key, FrameWriter writer, string conversationIdAsSpelled)
{
    public ConversationKey Key => key;

    public FrameWriter Writer => writer;

    public string ConversationId => conversationIdAsSpelled;

    /// <summary>Guarded by the feed's gate.</summary>
    public TabState State { get; set; }

    /// <summary>So many times its conversation is being looked up just now. Guarded by the feed's gate.</summary>
    public int LookUps { get; set; }

    /// <summary>Turns that had begun when it looked, and were not resumed since: silent. Guarded by the feed's gate.</summary>
    public HashSet<Guid> Silent { get; } = [];
}
