using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Sockets;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Turns;

/// <summary>The conversation's subscribers (v2 sockets): who may receive its turns, and what each receives of turns that others begin.</summary>
internal sealed partial class ConversationFeed
{
    /// <summary>
    /// Adds a subscriber before its conversation is looked up. It receives nothing until <see cref="Join"/>, but no turn that
    /// begins from now on is missed. A turn that is already known is either in the result of the lookup or has ended.
    /// </summary>
    public void Add(Tab tab)
    {
        lock (_gate)
        {
            _tabs.Add(tab);
            tab.Silent.UnionWith(_turns.Where(turn => turn.IsAccepted).Select(turn => turn.TurnId));
        }
    }

    /// <summary>
    /// Sends <c>ready</c>. Turns of <paramref name="active"/> stay silent for the subscriber.
    /// Every other turn unknown to <see cref="Add"/> began later.
    /// </summary>
    public void Join(Tab tab, IReadOnlyCollection<ActiveTurn> active)
    {
        lock (_gate)
        {
            tab.Writer.Send(ServerFrames.Ready(tab.ConversationId, active));
            tab.Silent.UnionWith(active.Select(turn => turn.TurnId));
            LetIn(tab);
            RemoveWhatIsOver();
        }
    }

    /// <summary>Sends an empty <c>ready</c>: the conversation does not exist yet, but may be created at any time.</summary>
    public void JoinHopefully(Tab tab)
    {
        lock (_gate)
        {
            tab.Writer.Send(ServerFrames.Ready(tab.ConversationId, []));
            tab.State = TabState.Hopeful;
            if (_turns is [.., var begun])
            {
                // The conversation was created after the lookup.
                LookUpHopeful(begun.TurnId, messageId: null, isAnnounced: false);
            }

            RemoveWhatIsOver();
        }
    }

    /// <summary>
    /// Called when the conversation exists and belongs to this socket's user. Precedes the
    /// <c>typing</c> that names the turn: a client may cancel at once.
    /// </summary>
    public void Admit(FrameWriter writer)
    {
        lock (_gate)
        {
            foreach (var tab in _tabs.Where(tab => tab.Writer == writer && tab.State == TabState.Hopeful))
            {
                LetIn(tab);
            }
        }
    }

    /// <summary>Replays a turn to a subscriber: missing chunks from the log, then live.</summary>
    /// <param name="tab">The subscriber.</param>
    /// <param name="known">The turn as the stores have it now.</param>
    /// <param name="attempt">The attempt that the client has; 0: none.</param>
    /// <param name="after">The last seq of it that the client has.</param>
    public TurnCursor Resume(Tab tab, StoredTurn known, int attempt, int after)
    {
        lock (_gate)
        {
            var row = known.Row;
            tab.Silent.Remove(row.TurnId);
            if (Find(row.TurnId) is not { } turn)
            {
                turn = AddTurn(row.TurnId, activity: null);
                if (!row.IsEnded)
                {
                    AddTabs(turn); // Other subscribers join here: the announcement finds the turn known.
                }
            }

            foreach (var previous in turn.Cursors.Where(cursor => cursor.Writer == tab.Writer))
            {
                previous.Detach(); // A second resume replaces the first; otherwise chunks would repeat.
            }

            turn.Cursors.RemoveAll(cursor => cursor.Mode == CursorMode.Ended);
            turn.IsStored = true;
            turn.LearnTrace(known.Traceparent);
            Advance(turn, known.Attempt, known.LastSeq);
            var cursor = new TurnCursor(turn, tab.Writer, isV2: true, tab.ConversationId)
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

            if (known.HasLog && attempt == turn.Attempt && after <= turn.LastSeq)
            {
                cursor.Seq = after;
            }
            else if (attempt > 0 && (known.HasLog || !row.IsEnded))
            {
                cursor.StartOver(turn.Attempt); // The client has another attempt, or nothing that can be continued.
            }

            StartCatchUp(cursor, ReplayCause.Resume);
            return cursor;
        }
    }

    /// <summary>Follows the turns that began while the channel was disconnected, if a subscriber is interested.</summary>
    public async Task FollowWhatBeganAsync()
    {
        Tab? tab;
        lock (_gate)
        {
            tab = _tabs.Find(tab => tab.State == TabState.Joined);
        }

        if (tab is null || await services.Store.OpenAsync(tab.Key, CancellationToken.None) is not { } pending)
        {
            return;
        }

        lock (_gate)
        {
            foreach (var row in pending)
            {
                FindOrFollow(row.TurnId);
            }
        }
    }

    private void AddTabs(Turn turn)
    {
        foreach (var tab in _tabs)
        {
            if (tab.State == TabState.Joined && !tab.Silent.Contains(turn.TurnId))
            {
                Follow(turn, tab);
            }
        }
    }

    private void Follow(Turn turn, Tab tab)
    {
        if (turn.Cursors.Exists(cursor => cursor.Writer == tab.Writer))
        {
            return;
        }

        var cursor = new TurnCursor(turn, tab.Writer, isV2: true, tab.ConversationId);
        turn.Cursors.Add(cursor);
        if (!cursor.IsUpToDate || turn.End is not null)
        {
            cursor.Attempt = turn.Attempt;
            StartCatchUp(cursor, ReplayCause.Join);
        }
    }

    private void OnAccepted(StreamEvent accepted)
    {
        LookUpHopeful(accepted.TurnId, accepted.MessageId, isAnnounced: true);
        if (FindOrFollow(accepted.TurnId) is not { } turn)
        {
            return;
        }

        turn.LearnTrace(accepted.Traceparent);
        turn.Cursors.ForEach(cursor => cursor.Announce(accepted.MessageId));
    }

    /// <summary>
    /// Looks up the conversation of waiting subscribers again, because a turn of it has begun. Without an announcement this
    /// starts a lookup only when none is in flight: the payloads of a turn arrive in quick succession.
    /// </summary>
    private void LookUpHopeful(Guid turnId, string? messageId, bool isAnnounced)
    {
        foreach (var tab in _tabs.Where(tab => tab.State == TabState.Hopeful && (isAnnounced || tab.LookUps == 0)))
        {
            tab.LookUps++;
            services.Tasks.Run("looking a tab's conversation up", () => LookUpAsync(tab, turnId, messageId));
        }
    }

    private async Task LookUpAsync(Tab tab, Guid turnId, string? messageId)
    {
        bool isMine;
        try
        {
            isMine = await services.Store.OpenAsync(tab.Key, CancellationToken.None) is not null;
        }
        finally
        {
            lock (_gate)
            {
                tab.LookUps--;
            }
        }

        Turn turn;
        lock (_gate)
        {
            if (!_tabs.Contains(tab))
            {
                return;
            }

            if (!isMine)
            {
                tab.State = TabState.Refused;
                return;
            }

            turn = Find(turnId) ?? AddTurn(turnId, activity: null);
            LetIn(tab);
            turn.Cursors.Find(cursor => cursor.Writer == tab.Writer)?.Announce(messageId);
        }

        await ResyncAsync(turn); // Chunks may have been published during the lookup.
    }

    private void LetIn(Tab tab)
    {
        tab.State = TabState.Joined;
        foreach (var turn in _turns.Where(turn => !tab.Silent.Contains(turn.TurnId)))
        {
            Follow(turn, tab);
        }
    }
}
