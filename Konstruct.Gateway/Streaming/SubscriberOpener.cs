using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Protocol;
using Konstruct.Gateway.Storage;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Streaming;

/// <summary>Opens conversations for v2 sockets and finds the turns that they resume. Throws what the stores throw when they are down.</summary>
internal sealed class SubscriberOpener(ConversationStore store, ConversationFeeds feeds, TurnLog log, IOptions<ChatOptions> options)
{
    /// <summary>
    /// Joins a socket to its conversation and sends <c>ready</c>. Subscribes before the lookup, so no turn that begins between the two is
    /// missed. Null: the conversation does not exist for this user and may not be created. Nothing was sent and nothing is held.
    /// </summary>
    public async Task<(ConversationFeed Feed, Subscriber Subscriber)?> OpenAsync(
        ConversationKey key,
        Guid userId,
        IFrameSink sink,
        string conversationIdAsSpelled,
        bool mayCreate,
        CancellationToken cancellationToken
    )
    {
        var feed = await feeds.AcquireAsync(key, cancellationToken);
        var subscriber = new Subscriber(userId, sink, conversationIdAsSpelled, options.Value.PingInterval);
        feed.Subscribers.Add(subscriber);
        var joined = false;
        try
        {
            var conversation = await store.JoinAsync(key, userId, options.Value.TurnLimit, cancellationToken);
            if (conversation is null && !mayCreate)
            {
                return null;
            }

            if (conversation is null)
            {
                feed.Subscribers.JoinBeforeCreation(subscriber);
                joined = true;
                return (feed, subscriber);
            }

            var active = new List<ActiveTurn>(conversation.Running.Count);
            foreach (var row in conversation.Running)
            {
                var turn = await StoredTurn.ReadAsync(log, row);
                active.Add(new(row.TurnId, turn.Attempt, turn.LastSeq));
            }

            feed.Subscribers.Join(subscriber, active, conversation.Ended);
            joined = true;
            return (feed, subscriber);
        }
        finally
        {
            if (!joined)
            {
                feed.Remove(sink, subscriber);
                feeds.Release(feed);
            }
        }
    }

    /// <summary>Whether a subscriber may ask for turns: its conversation exists and belongs to its user.</summary>
    public async Task<bool> AdmitAsync(ConversationFeed feed, Subscriber subscriber, CancellationToken cancellationToken)
    {
        if (
            feed.Subscribers.StateOf(subscriber) == SubscriberState.AwaitingCreation
            && await store.OpenAsync(feed.Key, subscriber.UserId, cancellationToken) is not null
        )
        {
            feed.Subscribers.Admit(subscriber.Sink);
        }

        return feed.Subscribers.StateOf(subscriber) == SubscriberState.Joined;
    }

    /// <summary>Replays a turn to a joined subscriber. Null: the conversation does not have this turn.</summary>
    public async Task<TurnCursor?> ResumeAsync(
        ConversationFeed feed,
        Subscriber subscriber,
        Guid turnId,
        int attempt,
        int after,
        CancellationToken cancellationToken
    )
    {
        var row = await store.FindTurnAsync(feed.Key, turnId, cancellationToken);
        return row is null ? null : feed.Subscribers.Resume(subscriber, await StoredTurn.ReadAsync(log, row), attempt, after);
    }
}
