using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Streaming;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Konstruct.Gateway.Turns.Celery;

/// <summary>Result of <see cref="ListeningLog.HearAsync"/>.</summary>
internal enum Hearing
{
    /// <summary>This gateway listens, and all payloads are in the log.</summary>
    Logged = 1,

    /// <summary>Another gateway has the lease.</summary>
    AnotherListens = -1,

    /// <summary>Redis lost the log, or another attempt is open.</summary>
    Lost = -2,

    /// <summary>The turn has ended.</summary>
    Ended = -3,

    /// <summary>The answer would exceed its limit.</summary>
    TooLong = -4,
}

/// <summary>Result of <see cref="ListeningLog.BeginAsync"/>.</summary>
internal enum Begin
{
    /// <summary>This gateway listens.</summary>
    Listening = 1,

    /// <summary>Another turn has the conversation's place.</summary>
    Occupied = 0,

    /// <summary>The turn has ended.</summary>
    Ended = -3,
}

/// <summary>
/// Leases and places of legacy turns, and their logs. The log is the same as a native orchestrator's; a lease decides which gateway writes it.
/// All calls throw <see cref="RedisException"/> or <see cref="TimeoutException"/> when Redis cannot be reached, and can be repeated.
/// </summary>
internal sealed class ListeningLog(
    IConnectionMultiplexer redis,
    FeedSubscription subscription,
    IOptions<DispatchOptions> dispatch,
    IOptions<ChatOptions> chat
)
{
    private static readonly Script Enter = new("enter", typeof(ListeningLog).Assembly);
    private static readonly Script Leave = new("leave", typeof(ListeningLog).Assembly);
    private static readonly Script Listen = new("listen", typeof(ListeningLog).Assembly);
    private static readonly Script Hear = new("hear", typeof(ListeningLog).Assembly);

    private readonly CeleryOptions _options = dispatch.Value.Celery;
    private readonly string _gateway = Guid.NewGuid().ToString("N");

    /// <summary>This gateway, in leases.</summary>
    public string Gateway => _gateway;

    private IDatabase Database => redis.GetDatabase();

    private long LeaseMilliseconds => (long)_options.ListeningLease.TotalMilliseconds;

    private long PlaceMilliseconds => (long)chat.Value.TurnSilenceLimit.TotalMilliseconds;

    /// <summary>Takes the conversation's place for a turn. False: another turn has it.</summary>
    public async Task<bool> EnterAsync(ConversationKey key, Guid turnId, TimeSpan keep) =>
        (long)await Enter.RunUntracedAsync(Database, [ListeningKeys.Place(key.ConversationId)], [turnId.ToString("D"), (long)keep.TotalMilliseconds])
        == 1;

    /// <summary>Frees the place of a turn, after <paramref name="keep"/>. False: the turn did not have it.</summary>
    public async Task<bool> LeaveAsync(ConversationKey key, Guid turnId, TimeSpan keep) =>
        (long)await Leave.RunUntracedAsync(Database, [ListeningKeys.Place(key.ConversationId)], [turnId.ToString("D"), (long)keep.TotalMilliseconds])
        == 1;

    /// <summary>Whether a turn has the conversation's place.</summary>
    public async Task<bool> HasPlaceAsync(ConversationKey key, Guid turnId) =>
        await Database.StringGetAsync(ListeningKeys.Place(key.ConversationId)) == turnId.ToString("D");

    /// <summary>Begins to listen to a turn that is about to be dispatched, and announces it.</summary>
    public async Task<Begin> BeginAsync(ConversationKey key, Guid turnId, byte[] task, byte[]? announcement) =>
        (Begin)
            (int)
                await Listen.RunAsync(
                    Database,
                    [RedisKeys.Turn(key.ConversationId, turnId), ListeningKeys.Lease(key.ConversationId, turnId), .. PlaceOf(key)],
                    [
                        turnId.ToString("D"),
                        _gateway,
                        LeaseMilliseconds,
                        PlaceMilliseconds,
                        task,
                        subscription.ChannelOf(key).ToString(),
                        announcement ?? [],
                    ]
                );

    /// <summary>
    /// Appends chunks and publishes them if this gateway has the lease or can take it. Renews the lease. The second result is the last seq in
    /// the log; of <see cref="Hearing.Lost"/>, the open attempt, 0 if Redis does not know the turn.
    /// </summary>
    /// <param name="key">The conversation.</param>
    /// <param name="turnId">The turn.</param>
    /// <param name="attempt">The attempt.</param>
    /// <param name="first">The seq of the first chunk.</param>
    /// <param name="texts">Texts of chunks, as the content of JSON strings; may be empty.</param>
    public async Task<(Hearing Result, int Number)> HearAsync(
        ConversationKey key,
        Guid turnId,
        int attempt,
        int first,
        IReadOnlyList<ReadOnlyMemory<byte>> texts
    )
    {
        var values = new RedisValue[9 + texts.Count];
        values[0] = attempt;
        values[1] = _gateway;
        values[2] = LeaseMilliseconds;
        values[3] = PlaceMilliseconds;
        values[4] = turnId.ToString("D");
        values[5] = first;
        values[6] = subscription.ChannelOf(key).ToString();
        values[7] = (long)TurnLog.KeptWhileRunning.TotalSeconds;
        values[8] = _options.MaxAnswerBytes;
        for (var i = 0; i < texts.Count; i++)
        {
            values[9 + i] = StreamEvent.ChunkWithoutSeq(texts[i].Span, turnId, attempt);
        }

        var result = (int[])
            (
                await Hear.RunUntracedAsync(
                    Database,
                    [
                        RedisKeys.Turn(key.ConversationId, turnId),
                        RedisKeys.Log(key.ConversationId, turnId, attempt),
                        ListeningKeys.Lease(key.ConversationId, turnId),
                        .. PlaceOf(key),
                    ],
                    values
                )
            )!;
        return ((Hearing)result[0], result[1]);
    }

    /// <summary>
    /// Returns whether a gateway listens to each turn, in the same order. One that stands by counts: it has kept what was published since the lease
    /// ended, and takes over before its own key ends.
    /// </summary>
    public Task<bool[]> AreHeardAsync(IEnumerable<PendingTurn> turns) =>
        Task.WhenAll(
            turns.Select(async turn =>
                await Database.KeyExistsAsync([
                    ListeningKeys.Lease(turn.ConversationId, turn.TurnId),
                    ListeningKeys.Standby(turn.ConversationId, turn.TurnId),
                ]) > 0
            )
        );

    /// <summary>The turn's task as it was put on the Celery queue; null: unknown.</summary>
    public async Task<byte[]?> TaskOfAsync(ConversationKey key, Guid turnId) =>
        await Database.HashGetAsync(RedisKeys.Turn(key.ConversationId, turnId), "task");

    /// <summary>Takes the lease, whoever has it: that gateway writes nothing more.</summary>
    public Task SeizeAsync(ConversationKey key, Guid turnId) =>
        Database.StringSetAsync(ListeningKeys.Lease(key.ConversationId, turnId), _gateway, _options.ListeningLease);

    /// <summary>Gives the lease up, if this gateway has it.</summary>
    public Task ReleaseAsync(ConversationKey key, Guid turnId) => GiveUpAsync(ListeningKeys.Lease(key.ConversationId, turnId));

    /// <summary>Becomes or stays the turn's second gateway. False: another gateway is.</summary>
    public async Task<bool> BeSecondAsync(ConversationKey key, Guid turnId) =>
        (long)await Enter.RunUntracedAsync(Database, [ListeningKeys.Second(key.ConversationId, turnId)], [_gateway, 2 * LeaseMilliseconds]) == 1;

    /// <summary>
    /// Tells the other gateways that this one stands by, if it is the turn's second one. Called after it has subscribed and seen the log: a gateway that
    /// stops relies on it.
    /// </summary>
    public async Task StandByAsync(ConversationKey key, Guid turnId)
    {
        if (await BeSecondAsync(key, turnId))
        {
            await Database.StringSetAsync(ListeningKeys.Standby(key.ConversationId, turnId), _gateway, 2 * _options.ListeningLease);
        }
    }

    /// <summary>This gateway is the second one no more.</summary>
    public Task EndStandByAsync(ConversationKey key, Guid turnId) =>
        Task.WhenAll(GiveUpAsync(ListeningKeys.Standby(key.ConversationId, turnId)), GiveUpAsync(ListeningKeys.Second(key.ConversationId, turnId)));

    /// <summary>Whether another gateway listens as well. This one stood by before it took the lease, and its mark may still be there.</summary>
    public async Task<bool> HasStandbyAsync(ConversationKey key, Guid turnId) =>
        await Database.StringGetAsync(ListeningKeys.Standby(key.ConversationId, turnId)) is { HasValue: true } standby && standby != _gateway;

    /// <summary>Deletes a key if it names this gateway.</summary>
    private Task<RedisResult> GiveUpAsync(RedisKey key) => Leave.RunUntracedAsync(Database, [key], [_gateway, 0]);

    /// <summary>Payloads that name their turn need no place.</summary>
    private RedisKey[] PlaceOf(ConversationKey key) => _options.EchoesTurn ? [] : [ListeningKeys.Place(key.ConversationId)];
}
