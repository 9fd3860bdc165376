using Konstruct.Contracts.Redis;
using StackExchange.Redis;

namespace Konstruct.Contracts.Dispatch;

/// <summary>Where one attempt of a turn is.</summary>
public enum DispatchState
{
    /// <summary>Nowhere: its worker died, or Redis lost it. It wants another attempt.</summary>
    Missing = 0,

    /// <summary>In the queue.</summary>
    Waiting = 1,

    /// <summary>A worker holds its lease.</summary>
    Held = 2,

    /// <summary>Its answer is in the log and wants to be persisted.</summary>
    Answered = 3,
}

/// <summary>An entry that a worker has taken from the queue.</summary>
/// <param name="Entry">Names the turn and the attempt; see <see cref="RedisKeys.Entry"/>.</param>
/// <param name="Payload">The task payload; empty when Redis has none, see <see cref="TaskReading"/>.</param>
/// <param name="Waited">How long it was in the queue.</param>
/// <param name="ClaimedFrom">When the worker asked for it, by the worker's clock.</param>
/// <param name="ClaimedAt">When the worker had it.</param>
public sealed record ClaimedTask(string Entry, ReadOnlyMemory<byte> Payload, TimeSpan Waited, DateTimeOffset ClaimedFrom, DateTimeOffset ClaimedAt);

/// <summary>How full the dispatch queue is.</summary>
/// <param name="Waiting">Entries that no worker has taken.</param>
/// <param name="Held">Entries that a worker holds the lease of, or held when it died.</param>
/// <param name="Answered">Entries whose answer is not in Postgres yet.</param>
/// <param name="Dead">Entries that could not be read and were put aside.</param>
/// <param name="Oldest">How long the oldest waiting entry has waited; 0 when none waits.</param>
public readonly record struct QueueMeasure(int Waiting, int Held, int Answered, int Dead, TimeSpan Oldest);

/// <summary>
/// The dispatch queue in Redis: one entry for each attempt of a turn, in exactly one of the states of <see cref="DispatchState"/>.
/// Every call is one script in the slot <c>{dispatch}</c> and can be repeated after an unknown outcome.
/// All calls throw <see cref="RedisException"/> or <see cref="TimeoutException"/> when Redis cannot be reached.
/// </summary>
public sealed class DispatchQueue(IConnectionMultiplexer redis)
{
    private static readonly RedisKey[] AllKeys = [RedisKeys.Queue, RedisKeys.Tasks, RedisKeys.Leases, RedisKeys.Answered];

    private IDatabase Database => redis.GetDatabase();

    /// <summary>Queues an attempt and wakes the workers. An attempt that is already somewhere stays where it is.</summary>
    /// <param name="message">The task.</param>
    /// <param name="announcement">What the conversation's channel is told first, so that gateways know of a turn before its first chunk; null: nothing.</param>
    /// <param name="cancelMark">What its user may have cancelled it by, see <see cref="RedisKeys.CancelledMessage"/>; null: it cannot be cancelled before.</param>
    /// <returns>False: it is cancelled (<see cref="RememberCancelAsync"/>), and nothing was queued.</returns>
    public async Task<bool> EnqueueAsync(KonstructMessage message, (RedisChannel Channel, byte[] Payload)? announcement = null, RedisKey? cancelMark = null) =>
        (long)await Script.Enqueue.RunAsync(
            Database,
            cancelMark is { } mark ? [.. AllKeys, mark] : AllKeys,
            [
                RedisKeys.Entry(message.TurnId, message.Attempt), message.ToUtf8(), RedisKeys.Wake.ToString(),
                announcement is null ? "" : announcement.Value.Channel.ToString(), announcement?.Payload ?? [],
            ]) >= 0;

    /// <summary>Remembers for a minute that a message, which is not accepted yet, is cancelled.</summary>
    /// <param name="mark">See <see cref="RedisKeys.CancelledMessage"/>.</param>
    public Task RememberCancelAsync(RedisKey mark) => Database.StringSetAsync(mark, 1, TimeSpan.FromMinutes(1));

    /// <summary>Takes up to <paramref name="most"/> of the oldest entries and leases them for <paramref name="lease"/>.</summary>
    public async Task<IReadOnlyList<ClaimedTask>> ClaimAsync(TimeSpan lease, int most)
    {
        var from = DateTimeOffset.UtcNow;
        var result = await Script.Claim.RunAsync(
            Database, [RedisKeys.Queue, RedisKeys.Tasks, RedisKeys.Leases], [(long)lease.TotalMilliseconds, most]);
        var values = (RedisValue[])result!;
        var at = DateTimeOffset.UtcNow;
        var claimed = new ClaimedTask[values.Length / 3];
        for (var i = 0; i < claimed.Length; i++)
        {
            claimed[i] = new(values[3 * i]!, values[(3 * i) + 1], TimeSpan.FromMicroseconds((long)values[(3 * i) + 2]), from, at);
        }

        return claimed;
    }

    /// <summary>Renews leases. Returns the entries that the caller has lost.</summary>
    public async Task<IReadOnlyList<string>> RenewAsync(TimeSpan lease, IReadOnlyCollection<string> entries)
    {
        var result = await Script.Renew.RunAsync(
            Database, [RedisKeys.Leases], [(long)lease.TotalMilliseconds, .. entries.Select(entry => (RedisValue)entry)]);
        return (string[])result!;
    }

    /// <summary>The answer of an entry is in the log: some gateway persists it now.</summary>
    public Task AnswerAsync(string entry) =>
        Script.Answer.RunAsync(Database, [RedisKeys.Leases, RedisKeys.Answered], [entry]);

    /// <summary>Forgets entries: they are persisted, or their worker gives them back.</summary>
    public Task SettleAsync(params IReadOnlyCollection<string> entries) =>
        Script.Settle.RunAsync(Database, AllKeys, [.. entries.Select(entry => (RedisValue)entry)]);

    /// <summary>Where entries are, in the same order. Takes away leases that ran out.</summary>
    public async Task<IReadOnlyList<DispatchState>> InspectAsync(IReadOnlyCollection<string> entries)
    {
        var result = await Script.Inspect.RunAsync(Database, AllKeys, [.. entries.Select(entry => (RedisValue)entry)]);
        return [.. ((int[])result!).Select(state => (DispatchState)state)];
    }

    /// <summary>Entries, with their payloads (empty: none), that were answered or whose lease ran out longer than <paramref name="age"/> ago: nobody looks after them.</summary>
    public async Task<IReadOnlyList<(string Entry, ReadOnlyMemory<byte> Payload)>> StaleAsync(TimeSpan age, int most)
    {
        var result = await Script.Stale.RunAsync(Database, AllKeys, [(long)age.TotalMilliseconds, most]);
        return [.. ((RedisValue[])result!).Chunk(2).Select(pair => ((string)pair[0]!, (ReadOnlyMemory<byte>)pair[1]))];
    }

    /// <summary>Takes an entry out of the queue and keeps a letter about it instead. False: somebody else did.</summary>
    internal async Task<bool> BuryAsync(string entry, string letterWithoutBrace, int most) =>
        (long)await Script.Bury.RunAsync(Database, [.. AllKeys, RedisKeys.Dead], [entry, letterWithoutBrace, most]) == 1;

    /// <summary>How full it is now.</summary>
    public async Task<QueueMeasure> MeasureAsync()
    {
        var values = (RedisValue[])(await Script.Measure.RunAsync(Database, [.. AllKeys, RedisKeys.Dead], []))!;
        return new((int)values[0], (int)values[1], (int)values[2], (int)values[4], TimeSpan.FromMicroseconds((long)values[3]));
    }
}
