using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Conversations;
using Konstruct.Gateway.Sockets;

namespace Konstruct.Gateway.Turns;

/// <summary>Opens conversations to v2 sockets and finds the turns that they ask for. Throws what the stores throw when they are down.</summary>
internal sealed class TabOpener(ConversationStore store, ConversationFeeds feeds, TurnLog log)
{
    /// <summary>
    /// Joins a socket to its conversation and sends <c>ready</c>. It listens before it looks, so that a turn which begins between the two is not missed.
    /// Null: the conversation does not exist for this user, and could not be created; nothing was sent, nothing is held.
    /// </summary>
    public async Task<(ConversationFeed Feed, Tab Tab)?> OpenAsync(
        ConversationKey key, FrameWriter writer, string conversationIdAsSpelled, bool mayCreate, CancellationToken cancellationToken)
    {
        var feed = await feeds.AcquireAsync(new(key.TenantId, key.ConversationId), cancellationToken);
        var tab = new Tab(key, writer, conversationIdAsSpelled);
        feed.Add(tab);
        var joined = false;
        try
        {
            var pending = await store.OpenAsync(key, cancellationToken);
            if (pending is null && !mayCreate)
            {
                return null;
            }

            if (pending is null)
            {
                feed.JoinHopefully(tab);
                joined = true;
                return (feed, tab);
            }

            var active = new List<ActiveTurn>(pending.Count);
            foreach (var row in pending)
            {
                var turn = await StoredTurn.ReadAsync(log, row);
                active.Add(new(row.TurnId, turn.Attempt, turn.LastSeq));
            }

            feed.Join(tab, active);
            joined = true;
            return (feed, tab);
        }
        finally
        {
            if (!joined)
            {
                feed.Remove(writer, tab);
                feeds.Release(feed);
            }
        }
    }

    /// <summary>Whether a tab may ask for turns: its conversation exists by now and is its user's.</summary>
    public async Task<bool> AdmitAsync(ConversationFeed feed, Tab tab, CancellationToken cancellationToken)
    {
        if (feed.StateOf(tab) == TabState.Hopeful && await store.OpenAsync(tab.Key, cancellationToken) is not null)
        {
            feed.Admit(tab.Writer);
        }

        return feed.StateOf(tab) == TabState.Joined;
    }

    /// <summary>Replays a turn to a socket that has joined. Null: its conversation has no such turn.</summary>
    public async Task<TurnCursor?> ResumeAsync(ConversationFeed feed, Tab tab, Guid turnId, int attempt, int after, CancellationToken cancellationToken)
    {
        var row = await store.FindTurnAsync(feed.Key.TenantId, feed.Key.ConversationId, turnId, cancellationToken);
        return row is null ? null : feed.Resume(tab, await StoredTurn.ReadAsync(log, row), attempt, after);
    }
}
