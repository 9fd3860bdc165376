using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Telemetry;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Hosting;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Streaming;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Konstruct.Gateway.Turns.Celery;

/// <summary>
/// Writes what legacy orchestrators publish to the logs of their turns. Several gateways may listen to a turn: the one with the lease writes,
/// the others keep what is not written yet and go on when the lease ends. <c>done</c> has the whole text and ends the turn wherever it is heard.
/// </summary>
internal sealed partial class LegacyListener
{
    /// <summary>The claim of all gateways: the lease decides which of them writes.</summary>
    public const string Claim = "legacy";

    /// <summary>Maximum number of chunks in one call.</summary>
    private const int MostTogether = 64;

    /// <summary>Time to persist an end before the next turn of the conversation may begin in any case.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    private readonly ListenedTurns _turns;
    private readonly ConversationFeeds _feeds;
    private readonly ListeningLog _log;
    private readonly TurnLog _turnLog;
    private readonly CeleryBroker _broker;
    private readonly ConversationStore _store;
    private readonly TurnPersister _persister;
    private readonly BackgroundTasks _tasks;
    private readonly ISubscriber _subscriber;
    private readonly TimeProvider _time;
    private readonly CeleryOptions _options;
    private readonly ChatOptions _chat;
    private readonly ILogger<LegacyListener> _logger;

    public LegacyListener(
        ListenedTurns turns,
        ConversationFeeds feeds,
        ListeningLog log,
        TurnLog turnLog,
        CeleryBroker broker,
        ConversationStore store,
        TurnPersister persister,
        BackgroundTasks tasks,
        IConnectionMultiplexer redis,
        TimeProvider time,
        IOptions<DispatchOptions> dispatch,
        IOptions<ChatOptions> chat,
        ILogger<LegacyListener> logger
    )
    {
        (_turns, _feeds, _log, _turnLog, _broker, _store, _persister, _tasks) = (turns, feeds, log, turnLog, broker, store, persister, tasks);
        (_subscriber, _time, _options, _chat, _logger) = (redis.GetSubscriber(), time, dispatch.Value.Celery, chat.Value, logger);
        turns.Heard = Work;
    }

    /// <summary>Begins to listen to a turn. Without effect if this gateway does already.</summary>
    /// <param name="key">The conversation.</param>
    /// <param name="turnId">The turn.</param>
    /// <param name="next">The seq of its next chunk; 0: to be read from the log.</param>
    /// <param name="traceparent">The turn's trace; null: read from Redis when needed.</param>
    /// <param name="hasPlaceAsync">Whether the turn has the conversation's place. Payloads of a turn without it cannot come any more.</param>
    /// <returns>Null: the turn is over, another one has the place.</returns>
    public async Task<ListenedTurn?> ListenAsync(ConversationKey key, Guid turnId, int next, string? traceparent, Func<Task<bool>> hasPlaceAsync)
    {
        var feed = await _feeds.AcquireAsync(key, CancellationToken.None);
        var turn = new ListenedTurn(key, turnId, feed, next, _options.MaxAnswerBytes, _time.GetTimestamp())
        {
            Trace = TraceParent.Parse(traceparent),
        };
        ListenedTurn? listened = null;
        try
        {
            listened = await AddAsync(turn, hasPlaceAsync);
            return listened;
        }
        finally
        {
            if (listened != turn)
            {
                _feeds.Release(feed); // Also where Redis failed: an open feed keeps its subscription.
            }
        }
    }

    /// <summary>Stops listening to a turn.</summary>
    public void Forget(ListenedTurn turn)
    {
        if (_turns.Remove(turn))
        {
            _feeds.Release(turn.Feed);
        }
    }

    /// <summary>Asks another gateway to listen to a turn as well. Returns the number of gateways that were asked, this one included.</summary>
    public Task<long> RecruitAsync(ConversationKey key, Guid turnId) =>
        _subscriber.PublishAsync(ListeningKeys.Listen, $"{_log.Gateway}:{key.TenantId:N}:{key.ConversationId:N}:{turnId:N}");

    /// <summary>Writes what waits, in the background. Also renews the lease, or takes one that has ended.</summary>
    public void Work(ListenedTurn turn)
    {
        if (turn.BeginWork())
        {
            _tasks.Run("logging a legacy answer", () => WorkAsync(turn));
        }
    }

    /// <summary>Returns the turn, or the one that this gateway listens to already; null: another turn has the place.</summary>
    private async Task<ListenedTurn?> AddAsync(ListenedTurn turn, Func<Task<bool>> hasPlaceAsync)
    {
        while (true)
        {
            var seen = _turns.Of(turn.Key);
            if (seen.FirstOrDefault(other => other.TurnId == turn.TurnId) is { } known)
            {
                return known;
            }

            if (!_options.EchoesTurn && !await hasPlaceAsync())
            {
                return null;
            }

            if (_turns.TryAdd(turn, seen))
            {
                foreach (var earlier in _options.EchoesTurn ? [] : seen)
                {
                    Forget(earlier); // Its place was freed.
                }

                return turn;
            }
        }
    }

    private async Task WorkAsync(ListenedTurn turn)
    {
        do
        {
            var hasFailed = true;
            try
            {
                await WriteAsync(turn);
                hasFailed = false;
            }
            finally
            {
                if (hasFailed)
                {
                    turn.EndWork(hasFailed: true); // The next round of the watch retries.
                }
            }
        } while (!turn.EndWork());
    }

    private async Task WriteAsync(ListenedTurn turn)
    {
        if (turn.IsLate)
        {
            await EndLateAsync(turn);
            return;
        }

        while (true)
        {
            var hadLease = turn.HasLease;
            var chunks = hadLease && turn.Next > 0 ? turn.Waiting(MostTogether) : []; // Who takes the lease reads the log first.
            var (result, number) = await _log.HearAsync(turn.Key, turn.TurnId, turn.Attempt, turn.Next, chunks);
            switch (result)
            {
                case Hearing.Logged:
                    if (hadLease)
                    {
                        turn.OnLogged(chunks.Count, number);
                    }
                    else
                    {
                        await TakeAsync(turn, number);
                        Log.Listening(_logger, turn.TurnId);
                        await _log.EndStandByAsync(turn.Key, turn.TurnId); // It is the first gateway now, and another one may be the second.
                        await RecruitAsync(turn.Key, turn.TurnId);
                    }

                    // The end is read first: a chunk that came before it is then among those that wait.
                    var end = turn.Done;
                    if (turn.HasWaiting)
                    {
                        continue;
                    }

                    if (end is { } done)
                    {
                        await FinishAsync(turn, done);
                    }

                    return;
                case Hearing.AnotherListens:
                    var isFirstLook = !turn.HasSeenLog;
                    turn.OnBeside(number);
                    if (isFirstLook)
                    {
                        await _log.StandByAsync(turn.Key, turn.TurnId);
                    }

                    if (await SeizeAsync(turn))
                    {
                        continue;
                    }

                    return;
                case Hearing.Lost:
                    if (number == 0 && await _store.FindTurnAsync(turn.Key, turn.TurnId, CancellationToken.None) is not { IsEnded: false })
                    {
                        Forget(turn); // Redis has lost the end of the turn, and not only its log. Postgres has it.
                        return;
                    }

                    await ReopenAsync(turn, number);
                    continue;
                case Hearing.TooLong:
                    Log.TooLong(_logger, turn.TurnId);
                    await _turnLog.FailAsync(KeyOf(turn));
                    continue;
                default:
                    await OnEndedAsync(turn);
                    return;
            }
        }
    }

    /// <summary>
    /// Begins to write where the gateway before ended. What it wrote last may not have come on the channel yet, and must not be written twice.
    /// </summary>
    private async Task TakeAsync(ListenedTurn turn, int lastSeq)
    {
        var after = turn.ComparedTo(lastSeq);
        var written = after < lastSeq ? await _turnLog.ReadAsync(turn.Key.ConversationId, turn.TurnId, turn.Attempt, after, lastSeq - after) : [];
        turn.OnTaken(written, lastSeq);
    }

    /// <summary>
    /// Takes the lease of a turn whose <c>done</c> this gateway has heard. The gateway with the lease died, was suspended or has not heard it: it has had
    /// the time of a lease to finish the turn itself. False: it still has time, or there is no <c>done</c>.
    /// </summary>
    private async Task<bool> SeizeAsync(ListenedTurn turn)
    {
        if (turn.Done is null)
        {
            return false;
        }

        turn.WaitsSince ??= _time.GetTimestamp();
        if (_time.GetElapsedTime(turn.WaitsSince.Value) < _options.ListeningLease)
        {
            return false;
        }

        turn.WaitsSince = null;
        await _log.SeizeAsync(turn.Key, turn.TurnId);
        return true;
    }

    /// <summary>Writes the end to the log, and persists it. Of several gateways that heard it, one wins each step.</summary>
    private async Task FinishAsync(ListenedTurn turn, StreamEvent done)
    {
        var outcome = done.Reason ?? TurnOutcome.Completed;
        if (await _turnLog.FinishAsync(KeyOf(turn), Claim, turn.Next, outcome, done.Text) is LogWrite.Fenced or LogWrite.Lost)
        {
            turn.Next = 0; // The next round reads the log again.
            return;
        }

        await _log.LeaveAsync(turn.Key, turn.TurnId, Soon);
        var state = await _turnLog.ReadStateAsync(turn.Key.ConversationId, turn.TurnId);
        await _persister.PersistAsync(
            new(turn.Key, turn.TurnId, state.Outcome ?? outcome, turn.Attempt, (state.Outcome ?? outcome) == outcome ? done.Utf8Text : null),
            turn.Trace
        );
        await OnOverAsync(turn);
    }

    /// <summary>
    /// Redis lost the log, or another gateway has opened an attempt. Clients start again; <c>done</c> has the whole text in any case.
    /// </summary>
    private async Task ReopenAsync(ListenedTurn turn, int open)
    {
        turn.Next = 0;
        if (open > turn.Attempt)
        {
            turn.Attempt = open;
            return;
        }

        turn.Attempt = Math.Max(open, turn.Attempt) + 1;
        Log.Reopened(_logger, turn.TurnId, turn.Attempt);
        await _turnLog.OpenAsync(KeyOf(turn), Claim);
    }

    /// <summary>The turn has ended elsewhere: by a client, at its deadline, or because another gateway heard <c>done</c>.</summary>
    private async Task OnEndedAsync(ListenedTurn turn)
    {
        turn.OnEnded();
        if (turn.Done is not null)
        {
            await _log.LeaveAsync(turn.Key, turn.TurnId, Soon);
            Forget(turn);
        }
        else if (_options.EchoesTurn)
        {
            Forget(turn); // What still comes names this turn, so it harms no other.
        }
    }

    /// <summary>Waits for the late <c>done</c> of a turn that has ended, so that nothing of it reaches the conversation's next turn.</summary>
    private async Task EndLateAsync(ListenedTurn turn)
    {
        if (turn.Done is not null)
        {
            await OnOverAsync(turn);
        }
        else if (
            _time.GetElapsedTime(turn.BeganAt) > _chat.TurnLimit + _options.LateLimit
            || !await (
                turn.TakeSign()
                    ? _log.LeaveAsync(turn.Key, turn.TurnId, _options.LateLimit) // It still publishes.
                    : _log.HasPlaceAsync(turn.Key, turn.TurnId)
            )
        )
        {
            Forget(turn);
        }
    }

    /// <summary>The orchestrator has published <c>done</c>. A task that is delivered again from now on is skipped by the workers.</summary>
    private async Task OnOverAsync(ListenedTurn turn)
    {
        Forget(turn);
        if (!_options.EchoesTurn)
        {
            await _log.LeaveAsync(turn.Key, turn.TurnId, TimeSpan.Zero);
            await _broker.RevokeAsync(turn.TurnId);
        }
    }

    private AttemptKey KeyOf(ListenedTurn turn) => new(turn.Key.ConversationId, turn.TurnId, turn.Attempt, _feeds.ChannelOf(turn.Key));

    private static partial class Log
    {
        [LoggerMessage(361, LogLevel.Debug, "This gateway listens to turn {TurnId}")]
        public static partial void Listening(ILogger logger, Guid turnId);

        [LoggerMessage(362, LogLevel.Warning, "Redis lost the log of turn {TurnId}: attempt {Attempt} goes on with what is heard from now on")]
        public static partial void Reopened(ILogger logger, Guid turnId, int attempt);

        [LoggerMessage(363, LogLevel.Warning, "Turn {TurnId} is failed: its answer is longer than Dispatch:Celery:MaxAnswerBytes")]
        public static partial void TooLong(ILogger logger, Guid turnId);
    }
}
