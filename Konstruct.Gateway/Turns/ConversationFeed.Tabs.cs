using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Sockets;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Turns;

/// <summary>The v2 sockets of a conversation: who may hear of it, and what each is told of turns that others begin.</summary>
internal sealed partial class ConversationFeed
{
    /// <summary>
    /// A tab opens, and its conversation is about to be looked up. It hears nothing until <see cref="Join"/>, but what begins from now on is not missed; a turn
    /// that is known already is either listed by what is looked up, or has ended, wherever that was.
    /// </summary>
    public void Add(Tab tab)
    {
        lock (_gate)
        {
            _tabs.Add(tab);
            tab.Silent.UnionWith(_turns.Where(turn => turn.IsAccepted).Select(turn => turn.TurnId));
        }
    }

    /// <summary>Sends <c>ready</c>. Turns of <paramref name="active"/> stay silent on the tab; every other turn that was not known to <see cref="Add"/> began later.</summary>
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

    /// <summary>Sends an empty <c>ready</c>: the conversation does not exist, but may be created any time.</summary>
    public void JoinHopefully(Tab tab)
    {
        lock (_gate)
        {
            tab.Writer.Send(ServerFrames.Ready(tab.ConversationId, []));
            tab.State = TabState.Hopeful;
            if (_turns is [.., var begun])
            {
                // Somebody has created it since it was looked for.
                LookUpHopeful(begun.TurnId, messageId: null, isAnnounced: false);
            }

            RemoveWhatIsOver();
        }
    }

    /// <summary>The conversation exists now, and is this socket's user's. Before <c>typing</c> names the turn: it may be cancelled at once.</summary>
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

    /// <summary>A tab asks for a turn: what it has not got from the log, then what comes.</summary>
    /// <param name="tab">The tab.</param>
    /// <param name="known">The turn as the stores have it now.</param>
    /// <param name="attempt">The attempt that the client has; 0: none.</param>
    /// <param name="after">The last seq that the client has of it.</param>
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
                    AddTabs(turn); // The others hear of it here: its announcement finds it known.
                }
            }

            foreach (var previous in turn.Cursors.Where(cursor => cursor.Writer == tab.Writer))
            {
                previous.Detach(); // What it had asked for before must not come twice.
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
                cursor.StartOver(turn.Attempt); // Another attempt than the client's, or nothing that could be continued.
            }

            StartCatchUp(cursor, ReplayCause.Resume);
            return cursor;
        }
    }

    /// <summary>The channel was not heard for a while: follows the turns that began meanwhile, if a tab here wants them.</summary>
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
    /// Looks again for the conversation of hopeful tabs, since a turn of it has begun. What is not announced begins a look only where none is under way: its
    /// payloads come one after another.
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

        await ResyncAsync(turn); // Chunks may have come while the conversation was looked up.
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
