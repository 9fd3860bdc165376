using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Protocol;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Streaming;

/// <summary>A feed's subscribers (v2 sockets): who may receive its turns, and what each receives of turns that others begin.</summary>
internal sealed class FeedSubscribers(FeedState state, FeedServices services, TurnReplay replay, TurnComparison comparison)
{
    /// <summary>
    /// Adds a subscriber before its conversation is looked up. It receives nothing until <see cref="Join"/>, but no turn that
    /// begins from now on is missed. A turn that is already known is either in the result of the lookup or has ended.
    /// </summary>
    public void Add(Subscriber subscriber)
    {
        lock (state.Gate)
        {
            state.Subscribers.Add(subscriber);
            subscriber.Silent.UnionWith(state.Turns.Where(turn => turn.IsAccepted).Select(turn => turn.TurnId));
        }
    }

    /// <summary>
    /// Sends <c>ready</c>. Turns of <paramref name="active"/> stay silent for the subscriber, and those of <paramref name="ended"/>: what comes of them
    /// now was late on its way, and the client may have had it elsewhere. Every other turn unknown to <see cref="Add"/> began later.
    /// </summary>
    public void Join(Subscriber subscriber, IReadOnlyCollection<ActiveTurn> active, IReadOnlyCollection<Guid> ended)
    {
        lock (state.Gate)
        {
            subscriber.Sink.Send(ServerFrames.Ready(subscriber.ConversationId, active, subscriber.PingInterval));
            subscriber.Silent.UnionWith(active.Select(turn => turn.TurnId));
            subscriber.Silent.UnionWith(ended);
            LetIn(subscriber);
            state.RemoveWhatIsOver();
        }
    }

    /// <summary>Sends an empty <c>ready</c>: the conversation does not exist yet, but may be created at any time.</summary>
    public void JoinBeforeCreation(Subscriber subscriber)
    {
        lock (state.Gate)
        {
            subscriber.Sink.Send(ServerFrames.Ready(subscriber.ConversationId, [], subscriber.PingInterval));
            subscriber.State = SubscriberState.AwaitingCreation;
            if (state.Turns is [.., var begun])
            {
                // The conversation was created after the lookup.
                LookUpWaiting(begun.TurnId, messageId: null, isAnnounced: false);
            }

            state.RemoveWhatIsOver();
        }
    }

    /// <summary>
    /// Called when the conversation exists and belongs to this socket's user. Precedes the
    /// <c>typing</c> that names the turn: a client may cancel at once.
    /// </summary>
    public void Admit(IFrameSink sink)
    {
        lock (state.Gate)
        {
            foreach (
                var subscriber in state.Subscribers.Where(subscriber =>
                    subscriber.Sink == sink && subscriber.State == SubscriberState.AwaitingCreation
                )
            )
            {
                LetIn(subscriber);
            }
        }
    }

    /// <summary>Whether a subscriber may receive turns of its conversation.</summary>
    public SubscriberState StateOf(Subscriber subscriber)
    {
        lock (state.Gate)
        {
            return subscriber.State;
        }
    }

    /// <summary>Replays a turn to a subscriber: missing chunks from the log, then live.</summary>
    /// <param name="subscriber">The subscriber.</param>
    /// <param name="known">The turn as the stores have it now.</param>
    /// <param name="attempt">The attempt that the client has; 0: none.</param>
    /// <param name="after">The last seq of it that the client has.</param>
    public TurnCursor Resume(Subscriber subscriber, StoredTurn known, int attempt, int after)
    {
        lock (state.Gate)
        {
            var row = known.Row;
            subscriber.Silent.Remove(row.TurnId);
            if (state.Find(row.TurnId) is not { } turn)
            {
                turn = state.AddTurn(row.TurnId, activity: null);
                if (!row.IsEnded)
                {
                    FollowByAll(turn); // Other subscribers join here: the announcement finds the turn known.
                }
            }

            foreach (var previous in turn.Cursors.Where(cursor => cursor.Sink == subscriber.Sink))
            {
                previous.Detach(); // A second resume replaces the first; otherwise chunks would repeat.
            }

            turn.Cursors.RemoveAll(cursor => cursor.Mode == CursorMode.Ended);
            turn.IsStored = true;
            turn.LearnTrace(known.Traceparent);
            if (!known.HasOnlyRow)
            {
                turn.Advance(known.Attempt, known.LastSeq);
            }

            var cursor = new TurnCursor(turn, subscriber.Sink, isV2: true, subscriber.ConversationId)
            {
                IsAnnounced = true,
                Mode = CursorMode.CatchingUp,
                Attempt = turn.Attempt,
            };
            turn.Cursors.Add(cursor);
            if (row.IsEnded)
            {
                turn.IsEnding = true;
                turn.End ??= row;
            }

            if (known.HasOnlyRow)
            {
                cursor.SendEnd(row);
                turn.Cursors.Remove(cursor);
                state.RemoveIfOver(turn);
                return cursor;
            }

            if (known.HasLog && attempt == turn.Attempt && after <= turn.LastSeq)
            {
                cursor.Seq = after;
            }
            else if (attempt > 0)
            {
                cursor.StartOver(turn.Attempt); // The client has another attempt, or nothing that can be continued.
            }

            replay.Start(cursor, ReplayCause.Resume);
            return cursor;
        }
    }

    /// <summary>Follows the turns that began while the channel was disconnected, if a subscriber is interested.</summary>
    public async Task FollowWhatBeganAsync()
    {
        Subscriber? joined;
        lock (state.Gate)
        {
            joined = state.Subscribers.Find(subscriber => subscriber.State == SubscriberState.Joined);
        }

        if (joined is null || await services.Store.OpenAsync(state.Key, joined.UserId, CancellationToken.None) is not { } pending)
        {
            return;
        }

        lock (state.Gate)
        {
            foreach (var row in pending)
            {
                FindOrFollow(row.TurnId);
            }
        }
    }

    /// <summary>Finds the turn of a payload: a known one, or one that began elsewhere and has a subscriber here. The caller holds the gate.</summary>
    public Turn? FindOrFollow(Guid turnId) => state.Find(turnId) ?? Follow(turnId);

    /// <summary>Lets all subscribers follow a turn that has just begun. The caller holds the gate.</summary>
    public void FollowByAll(Turn turn)
    {
        foreach (var subscriber in state.Subscribers)
        {
            if (subscriber.State == SubscriberState.Joined && !subscriber.Silent.Contains(turn.TurnId))
            {
                Follow(turn, subscriber);
            }
        }
    }

    /// <summary>Called when another gateway announces a message that it accepted. The caller holds the gate.</summary>
    public void OnAccepted(StreamEvent accepted)
    {
        LookUpWaiting(accepted.TurnId, accepted.MessageId, isAnnounced: true);
        if (FindOrFollow(accepted.TurnId) is not { } turn)
        {
            return;
        }

        turn.LearnTrace(accepted.Traceparent);
        turn.Cursors.ForEach(cursor => cursor.Announce(accepted.MessageId));
    }

    private Turn? Follow(Guid turnId)
    {
        if (state.HasEnded(turnId))
        {
            return null;
        }

        // A turn that the sweep dispatches is not announced, and an announcement can be missed.
        LookUpWaiting(turnId, messageId: null, isAnnounced: false);

        // A subscriber that is still opening joins later. A turn that began meanwhile may be missing from its ready, even if it has ended by then.
        if (
            !state.Subscribers.Exists(subscriber =>
                subscriber.State == SubscriberState.Opening || (subscriber.State == SubscriberState.Joined && !subscriber.Silent.Contains(turnId))
            )
        )
        {
            return null;
        }

        var turn = state.AddTurn(turnId, activity: null);
        FollowByAll(turn);
        return turn;
    }

    private void Follow(Turn turn, Subscriber subscriber)
    {
        if (turn.Cursors.Exists(cursor => cursor.Sink == subscriber.Sink))
        {
            return;
        }

        var cursor = new TurnCursor(turn, subscriber.Sink, isV2: true, subscriber.ConversationId);
        turn.Cursors.Add(cursor);
        if (!cursor.IsUpToDate || turn.End is not null)
        {
            cursor.Attempt = turn.Attempt;
            replay.Start(cursor, ReplayCause.Join);
        }
    }

    /// <summary>
    /// Looks up the conversation of subscribers that await its creation, because a turn of it has begun. Without an announcement this
    /// starts a lookup only when none is in flight: the payloads of a turn arrive in quick succession.
    /// </summary>
    private void LookUpWaiting(Guid turnId, string? messageId, bool isAnnounced)
    {
        foreach (
            var subscriber in state.Subscribers.Where(subscriber =>
                subscriber.State == SubscriberState.AwaitingCreation && (isAnnounced || subscriber.LookUps == 0)
            )
        )
        {
            subscriber.LookUps++;
            services.Tasks.Run("looking a subscriber's conversation up", () => LookUpAsync(subscriber, turnId, messageId));
        }
    }

    private async Task LookUpAsync(Subscriber subscriber, Guid turnId, string? messageId)
    {
        bool isMine;
        try
        {
            isMine = await services.Store.OpenAsync(state.Key, subscriber.UserId, CancellationToken.None) is not null;
        }
        finally
        {
            lock (state.Gate)
            {
                subscriber.LookUps--;
            }
        }

        Turn turn;
        lock (state.Gate)
        {
            if (!state.Subscribers.Contains(subscriber))
            {
                return;
            }

            if (!isMine)
            {
                subscriber.State = SubscriberState.Refused;
                return;
            }

            turn = state.Find(turnId) ?? state.AddTurn(turnId, activity: null);
            LetIn(subscriber);
            turn.Cursors.Find(cursor => cursor.Sink == subscriber.Sink)?.Announce(messageId);
        }

        await comparison.RunAsync(turn); // Chunks may have been published during the lookup.
    }

    private void LetIn(Subscriber subscriber)
    {
        subscriber.State = SubscriberState.Joined;
        foreach (var turn in state.Turns.Where(turn => !subscriber.Silent.Contains(turn.TurnId)))
        {
            Follow(turn, subscriber);
        }
    }
}
