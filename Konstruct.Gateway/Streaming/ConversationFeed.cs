using System.Diagnostics;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Streaming;

/// <summary>
/// One conversation's channel within this gateway: one subscription for any number of sockets and turns. Each payload advances
/// its turn, and each cursor of the turn sends what is next for its socket.
/// </summary>
internal sealed class ConversationFeed
{
    private readonly FeedServices _services;
    private readonly FeedState _state;
    private readonly TurnEnds _ends;
    private readonly TurnReplay _replay;
    private readonly TurnComparison _comparison;
    private readonly List<IFrameSink> _keeping = []; // Sockets with frames held back until the current batch is handled.
    private long _now; // Timestamp of the current batch of payloads.
    private bool _isAmongOthers; // True while inside a batch.

    /// <param name="key">The conversation.</param>
    /// <param name="services">Shared services.</param>
    /// <param name="release">Called with this feed once for each turn of this gateway that is over.</param>
    public ConversationFeed(ConversationKey key, FeedServices services, Action<ConversationFeed> release)
    {
        _services = services;
        _state = new(key, services.Time, () => release(this));
        _replay = new(_state, services, (turn, done) => _ends!.OnEnd(turn, done));
        _ends = new(_state, services) { Replay = _replay };
        _comparison = new(_state, services, _replay, _ends);
        Subscribers = new(_state, services, _replay, _comparison);
    }

    public ConversationKey Key => _state.Key;

    public FeedSubscribers Subscribers { get; }

    /// <summary>Number of sockets and turns that hold this feed open. Guarded by the registry.</summary>
    public int References { get; set; }

    /// <summary>Completes when the subscription is established. Set by the registry.</summary>
    public required Task Opening { get; init; }

    /// <summary>Completes when the subscription is removed; null while the feed is in use. Guarded by the registry.</summary>
    public Task? Closing { get; set; }

    /// <summary>Snapshot of the known turns.</summary>
    public Turn[] Turns()
    {
        lock (_state.Gate)
        {
            return [.. _state.Turns];
        }
    }

    /// <summary>Trace of a turn; default: unknown here.</summary>
    public ActivityContext TraceOf(Guid turnId)
    {
        lock (_state.Gate)
        {
            return _state.Find(turnId)?.Trace ?? default;
        }
    }

    /// <summary>Latest attempt seen; 0: none yet.</summary>
    public int AttemptOf(Turn turn)
    {
        lock (_state.Gate)
        {
            return turn.Attempt;
        }
    }

    /// <summary>Adds the turns that this gateway began and that have not ended.</summary>
    public TurnCounts Count(TurnCounts counts)
    {
        lock (_state.Gate)
        {
            return _state.Count(counts);
        }
    }

    /// <inheritdoc cref="Turn.NeedOf"/>
    public TurnNeed NeedOf(Turn turn, TurnLimits limits)
    {
        lock (_state.Gate)
        {
            return turn.NeedOf(limits, _services.Time);
        }
    }

    /// <summary>Takes back that a turn is overdue, so that <see cref="NeedOf"/> reports it again.</summary>
    public void WatchAgain(Turn turn)
    {
        lock (_state.Gate)
        {
            turn.IsOverdue = false;
        }
    }

    /// <summary>Begins a turn on this gateway. Called before dispatch, so that the first chunk finds a listener.</summary>
    public TurnCursor Begin(Guid turnId, IFrameSink sink, bool isV2, string conversationIdAsSpelled, Activity? activity)
    {
        lock (_state.Gate)
        {
            var turn = _state.AddTurn(turnId, activity);
            turn.IsOwned = true;
            turn.IsAccepted = false;
            var own = new TurnCursor(turn, sink, isV2, conversationIdAsSpelled) { IsAnnounced = true };
            turn.Cursors.Add(own);
            Subscribers.FollowByAll(turn);
            return own;
        }
    }

    /// <summary>Called when the turn's message is stored.</summary>
    public void Accept(TurnCursor cursor)
    {
        lock (_state.Gate)
        {
            cursor.Turn.IsAccepted = true;
            cursor.Turn.IsStored = true;
        }
    }

    /// <summary>Called when the turn's message was not accepted.</summary>
    public void Forget(TurnCursor cursor)
    {
        lock (_state.Gate)
        {
            foreach (var other in cursor.Turn.Cursors)
            {
                other.Detach();
            }

            cursor.Turn.Cursors.Clear();
            _state.Remove(cursor.Turn);
        }
    }

    /// <summary>Called when a socket is gone. Its turns continue.</summary>
    public void Remove(IFrameSink sink, Subscriber? subscriber)
    {
        lock (_state.Gate)
        {
            if (subscriber is not null)
            {
                _state.Subscribers.Remove(subscriber);
            }

            foreach (var turn in _state.Turns)
            {
                foreach (var cursor in turn.Cursors.Where(cursor => cursor.Sink == sink))
                {
                    cursor.Detach();
                }

                turn.Cursors.RemoveAll(cursor => cursor.Mode == CursorMode.Ended);
            }

            _state.RemoveWhatIsOver();
        }
    }

    /// <inheritdoc cref="TurnComparison.RunAsync"/>
    public Task CompareAsync(Turn turn) => _comparison.RunAsync(turn);

    /// <inheritdoc cref="TurnEnds.OnPersisted"/>
    public void OnPersisted(Turn turn, PersistedTurn persisted) => _ends.OnPersisted(turn, persisted);

    /// <summary>Handles one payload of the channel. Called for one payload at a time, in the order of publication.</summary>
    /// <param name="payload">The payload's bytes.</param>
    /// <param name="moreFollow">The next payload has already arrived, so frames of this one may wait until that one is handled too.</param>
    public void OnPayload(ReadOnlyMemory<byte> payload, bool moreFollow = false)
    {
        var heardAt = _services.Metrics.Now;
        var read = StreamEvent.Parse(payload);
        lock (_state.Gate)
        {
            if (!_isAmongOthers)
            {
                _now = _services.Time.GetTimestamp();
            }

            _isAmongOthers = moreFollow;
            var isTaken = _services.Legacy?.Take(_state.Key, in read) ?? false;
            switch (isTaken ? StreamEventKind.Unknown : read.Kind)
            {
                case StreamEventKind.Chunk when read.IsLegacy:
                    OnLegacyChunk(in read, heardAt, moreFollow);
                    break;
                case StreamEventKind.Chunk:
                    OnChunk(in read, heardAt, moreFollow);
                    break;
                case StreamEventKind.Done:
                    OnDone(read);
                    break;
                case StreamEventKind.Reset when !read.IsLegacy:
                    OnReset(read);
                    break;
                case StreamEventKind.Accepted when !read.IsLegacy:
                    Subscribers.OnAccepted(read);
                    break;
            }

            if (!moreFollow)
            {
                SendKept();
            }
        }
    }

    private void OnReset(StreamEvent reset)
    {
        if (Subscribers.FindOrFollow(reset.TurnId) is not { } turn)
        {
            return;
        }

        turn.Activity?.AddEvent(new("reset", tags: new() { ["konstruct.turn.attempt"] = reset.Attempt }));
        turn.Advance(reset.Attempt, seq: 0);
        foreach (var cursor in turn.Cursors.Where(cursor => cursor.Mode == CursorMode.Live))
        {
            cursor.MoveTo(turn.Attempt);
        }
    }

    private void OnChunk(in StreamEvent chunk, long heardAt, bool moreFollow)
    {
        if (Subscribers.FindOrFollow(chunk.TurnId) is not { } turn || chunk.Attempt < turn.Attempt)
        {
            return;
        }

        turn.Advance(chunk.Attempt, chunk.Seq);
        turn.OnSignOfLife(_now);
        foreach (var cursor in turn.Cursors)
        {
            if (cursor.Mode != CursorMode.Live)
            {
                continue;
            }

            cursor.MoveTo(chunk.Attempt);
            if (cursor.Mode == CursorMode.Live && chunk.Seq == cursor.Seq + 1)
            {
                cursor.SendNext(in chunk, heardAt, MayKeep(cursor, moreFollow));
            }
            else if (cursor.Mode == CursorMode.Live && chunk.Seq > cursor.Seq)
            {
                _replay.Start(cursor, ReplayCause.Gap);
            }
        }
    }

    private void OnLegacyChunk(in StreamEvent chunk, long heardAt, bool moreFollow)
    {
        if (_state.OldestPending is not { } turn)
        {
            return;
        }

        turn.OnSignOfLife(_now);
        foreach (var cursor in turn.Cursors.Where(cursor => cursor.Mode == CursorMode.Live))
        {
            cursor.SendLegacy(in chunk, heardAt, MayKeep(cursor, moreFollow));
        }
    }

    private void OnDone(StreamEvent done)
    {
        var turn = done.IsLegacy ? _state.OldestPending : Subscribers.FindOrFollow(done.TurnId);
        if (turn is not null)
        {
            _ends.OnEnd(turn, done);
        }
    }

    /// <summary>Whether a socket may hold a frame back until the payloads that have arrived are handled.</summary>
    private bool MayKeep(TurnCursor cursor, bool moreFollow)
    {
        if (moreFollow && !_keeping.Contains(cursor.Sink))
        {
            _keeping.Add(cursor.Sink);
        }

        return moreFollow;
    }

    private void SendKept()
    {
        foreach (var sink in _keeping)
        {
            sink.SendQueued();
        }

        _keeping.Clear();
    }
}
