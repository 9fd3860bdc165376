using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Conversations;
using Konstruct.Gateway.Sockets;

namespace Konstruct.Gateway.Turns;

/// <summary>Opens conversations for v2 sockets and finds the turns that they resume. Throws what the stores throw when they are down.</summary>
internal sealed class TabOpener(ConversationStore store, ConversationFeeds feeds, TurnLog log)
{
    /// <summary>
    /// Joins a socket to its conversation and sends <c>ready</c>. Subscribes before the lookup, so no turn that begins between the two is
    /// missed. Null: the conversation does not exist for this user and may not be created. Nothing was sent and nothing is held.
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

    /// <summary>Whether a subscriber may ask for turns: its conversation exists and belongs to its user.</summary>
    public async Task<bool> AdmitAsync(ConversationFeed feed, Tab tab, CancellationToken cancellationToken)
    {
        if (feed.StateOf(tab) == TabState.Hopeful && await store.OpenAsync(tab.Key, cancellationToken) is not null)
        {
            feed.Admit(tab.Writer);
        }

        return feed.StateOf(tab) == TabState.Joined;
    }

    /// <summary>Replays a turn to a joined subscriber. Null: the conversation does not have this turn.</summary>
    public async Task<TurnCursor?> ResumeAsync(ConversationFeed feed, Tab tab, Guid turnId, int attempt, int after, CancellationToken cancellationToken)
    {
        var row = await store.FindTurnAsync(feed.Key.TenantId, feed.Key.ConversationId, turnId, cancellationToken);
        return row is null ? null : feed.Resume(tab, await StoredTurn.ReadAsync(log, row), attempt, after);
    }
}
