using Konstruct.Contracts.Redis;
using StackExchange.Redis;

namespace Konstruct.Contracts.Dispatch;

/// <summary>State of one attempt of a turn.</summary>
public enum DispatchState
{
    /// <summary>No entry: its worker died, or Redis lost it. It needs another attempt.</summary>
    Missing = 0,

    /// <summary>In the queue.</summary>
    Waiting = 1,

    /// <summary>A worker holds its lease.</summary>
    Held = 2,

    /// <summary>The end is in the log and must be persisted.</summary>
    Answered = 3,
}

/// <summary>Number of entries in each state.</summary>
/// <param name="Waiting">Entries that no worker has claimed.</param>
/// <param name="Held">Entries with a lease, including those of workers that died.</param>
/// <param name="Answered">Entries whose end is not persisted yet.</param>
/// <param name="Dead">Unreadable entries in the dead letters.</param>
/// <param name="Oldest">Time that the oldest waiting entry has waited; 0: none waits.</param>
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

    /// <summary>Queues an attempt and wakes the workers. No effect if the attempt has an entry in any state.</summary>
    /// <param name="message">The task.</param>
    /// <param name="announcement">Published on the conversation's channel first, so that gateways
    /// know the turn before its first chunk; null: nothing.</param>
    /// <param name="cancelMark">The mark of an early cancel, see <see cref="RedisKeys.CancelledMessage"/>;
    /// null: the message cannot be cancelled early.</param>
    /// <returns>False: the message is cancelled (<see cref="RememberCancelAsync"/>), and nothing was queued.</returns>
    public async Task<bool> EnqueueAsync(
        KonstructMessage message,
        (RedisChannel Channel, byte[] Payload)? announcement = null,
        RedisKey? cancelMark = null
    ) =>
        (long)
            await Script.Enqueue.RunAsync(
                Database,
                cancelMark is { } mark ? [.. AllKeys, mark] : AllKeys,
                [
                    RedisKeys.Entry(message.TurnId, message.Attempt),
                    message.ToUtf8(),
                    RedisKeys.Wake.ToString(),
                    announcement is null ? "" : announcement.Value.Channel.ToString(),
                    announcement?.Payload ?? [],
                ]
            ) >= 0;

    /// <summary>Stores for a minute that a message that is not accepted yet is cancelled.</summary>
    /// <param name="mark">See <see cref="RedisKeys.CancelledMessage"/>.</param>
    public Task RememberCancelAsync(RedisKey mark) => Database.StringSetAsync(mark, 1, RedisKeys.CancelIsRemembered);

    /// <summary>Claims up to <paramref name="most"/> of the oldest entries with a lease of <paramref name="lease"/>.</summary>
    public async Task<IReadOnlyList<ClaimedTask>> ClaimAsync(TimeSpan lease, int most)
    {
        var from = DateTimeOffset.UtcNow;
        var result = await Script.Claim.RunAsync(
            Database,
            [RedisKeys.Queue, RedisKeys.Tasks, RedisKeys.Leases],
            [(long)lease.TotalMilliseconds, most]
        );
        var values = (RedisValue[])result!;
        var at = DateTimeOffset.UtcNow;
        var claimed = new ClaimedTask[values.Length / 3];
        for (var i = 0; i < claimed.Length; i++)
        {
            claimed[i] = new(values[3 * i]!, values[(3 * i) + 1], TimeSpan.FromMicroseconds((long)values[(3 * i) + 2]), from, at);
        }

        return claimed;
    }

    /// <summary>Renews leases. Returns the entries whose lease the caller has lost.</summary>
    public async Task<IReadOnlyList<string>> RenewAsync(TimeSpan lease, IReadOnlyCollection<string> entries)
    {
        var result = await Script.Renew.RunAsync(
            Database,
            [RedisKeys.Leases],
            [(long)lease.TotalMilliseconds, .. entries.Select(entry => (RedisValue)entry)]
        );
        return (string[])result!;
    }

    /// <summary>Marks an entry as answered: its end is in the log, and a gateway must persist it.</summary>
    public Task AnswerAsync(string entry) => Script.Answer.RunAsync(Database, [RedisKeys.Leases, RedisKeys.Answered], [entry]);

    /// <summary>Removes entries: their turn is persisted (acknowledge), or their worker gives them back.</summary>
    public Task RemoveAsync(params IReadOnlyCollection<string> entries) =>
        Script.Remove.RunAsync(Database, AllKeys, [.. entries.Select(entry => (RedisValue)entry)]);

    /// <summary>Returns the states of entries, in the same order. Removes expired leases.</summary>
    public async Task<IReadOnlyList<DispatchState>> InspectAsync(IReadOnlyCollection<string> entries)
    {
        var result = await Script.Inspect.RunAsync(Database, AllKeys, [.. entries.Select(entry => (RedisValue)entry)]);
        return [.. ((int[])result!).Select(state => (DispatchState)state)];
    }

    /// <summary>
    /// Returns stale entries with their payloads (empty: none): answered, or with a lease that expired, longer than <paramref name="age"/> ago.
    /// </summary>
    public async Task<IReadOnlyList<(string Entry, ReadOnlyMemory<byte> Payload)>> StaleAsync(TimeSpan age, int most)
    {
        var result = await Script.Stale.RunAsync(Database, AllKeys, [(long)age.TotalMilliseconds, most]);
        return [.. ((RedisValue[])result!).Chunk(2).Select(pair => ((string)pair[0]!, (ReadOnlyMemory<byte>)pair[1]))];
    }

    /// <summary>Counts the entries.</summary>
    public async Task<QueueMeasure> MeasureAsync()
    {
        var values = (RedisValue[])(await Script.Measure.RunAsync(Database, [.. AllKeys, RedisKeys.Dead], []))!;
        return new((int)values[0], (int)values[1], (int)values[2], (int)values[4], TimeSpan.FromMicroseconds((long)values[3]));
    }

    /// <summary>Moves an entry to the dead letters. False: another process did.</summary>
    internal async Task<bool> BuryAsync(string entry, string letterWithoutBrace, int most) =>
        (long)await Script.Bury.RunAsync(Database, [.. AllKeys, RedisKeys.Dead], [entry, letterWithoutBrace, most]) == 1;
}

/// <summary>An entry that a worker has claimed.</summary>
/// <param name="Entry">Names the turn and the attempt; see <see cref="RedisKeys.Entry"/>.</param>
/// <param name="Payload">The task payload; empty when Redis has none, see <see cref="TaskReading"/>.</param>
/// <param name="Waited">Time in the queue.</param>
/// <param name="ClaimedFrom">Time at which the worker sent the claim, by its clock.</param>
/// <param name="ClaimedAt">Time at which the claim returned, by the same clock.</param>
public sealed record ClaimedTask(string Entry, ReadOnlyMemory<byte> Payload, TimeSpan Waited, DateTimeOffset ClaimedFrom, DateTimeOffset ClaimedAt);
