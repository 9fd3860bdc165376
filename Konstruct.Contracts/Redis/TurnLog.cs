using System.Text;
using Konstruct.Contracts.Telemetry;
using Konstruct.Contracts.Wire;
using StackExchange.Redis;

namespace Konstruct.Contracts.Redis;

/// <summary>Result of a write to a log.</summary>
public enum LogWrite
{
    /// <summary>In the log and published, by this call or an earlier one.</summary>
    Written,

    /// <summary>Another attempt, or another claim of this one, is open: the caller has lost the turn.</summary>
    Fenced,

    /// <summary>The log is shorter than what the caller has written: Redis lost it, and the attempt is abandoned.</summary>
    Lost,

    /// <summary>The turn has ended: a client cancelled it, or its deadline passed.</summary>
    Ended,

    /// <summary>The answer would exceed its limit.</summary>
    TooLong,
}

/// <summary>One attempt of a turn, and the channel on which it is published.</summary>
/// <param name="ConversationId">The conversation; its id is the hash slot.</param>
/// <param name="TurnId">The turn.</param>
/// <param name="Attempt">The attempt, from 1.</param>
/// <param name="Channel">The conversation's response channel.</param>
public readonly record struct AttemptKey(Guid ConversationId, Guid TurnId, int Attempt, RedisChannel Channel)
{
    /// <summary>The attempt's entry in the dispatch queue.</summary>
    public string Entry => RedisKeys.Entry(TurnId, Attempt);

    internal RedisKey Turn => RedisKeys.Turn(ConversationId, TurnId);

    internal RedisKey Log => RedisKeys.Log(ConversationId, TurnId, Attempt);
}

/// <summary>State of a turn in Redis.</summary>
/// <param name="Attempt">The open attempt; 0: none was opened, or Redis lost it.</param>
/// <param name="Outcome">A word of <see cref="TurnOutcome"/> when the turn has ended; otherwise null.</param>
/// <param name="Silence">Time since the last chunk, in whole seconds of Redis's clock; null: no chunk yet.</param>
/// <param name="LastSeq">The last chunk of that attempt; 0: none yet. Stored with the other fields, so that all are read at one moment.</param>
/// <param name="Traceparent">The turn's trace; null: not traced, or not claimed yet.</param>
public readonly record struct TurnState(int Attempt, string? Outcome, TimeSpan? Silence, int LastSeq, string? Traceparent = null);

/// <summary>
/// The ordered log of each attempt of a turn, and the fence that lets one attempt write. The script that appends and
/// publishes a chunk fixes its seq. Every call can be repeated after an unknown outcome. All calls throw <see
/// cref="RedisException"/> or <see cref="TimeoutException"/> when Redis cannot be reached.
/// </summary>
public sealed class TurnLog(IConnectionMultiplexer redis)
{
    /// <summary>Expiry of a log while its turn runs; every append renews it.</summary>
    public static readonly TimeSpan KeptWhileRunning = TimeSpan.FromHours(1);

    /// <summary>Expiry of a log after its turn has ended, for clients that reconnect.</summary>
    public static readonly TimeSpan KeptAfterEnd = TimeSpan.FromMinutes(10);

    private IDatabase Database => redis.GetDatabase();

    /// <summary>Opens an attempt, so that no earlier one can write. <paramref name="claimId"/>
    /// distinguishes a repeated call from another worker's.</summary>
    /// <param name="key">The attempt.</param>
    /// <param name="claimId">The same in a repeated call, and different in any other.</param>
    /// <param name="traceparent">The turn's trace, for gateways that did not begin the turn.</param>
    public async Task<LogWrite> OpenAsync(AttemptKey key, string claimId, string? traceparent = null)
    {
        var result = await Script.Open.RunAsync(
            Database,
            [key.Turn],
            [key.Attempt, claimId, key.Channel.ToString(), Seconds(KeptWhileRunning), StreamEvent.Reset(key.TurnId, key.Attempt), traceparent ?? ""]
        );
        return Outcome((long)result);
    }

    /// <summary>
    /// Appends and publishes <paramref name="payloads"/>, beginning with <paramref name="firstSeq"/>. Invalid
    /// UTF-8 is repaired first, so that every client can read the log and the channel. <paramref name="claimId"/> is the one that opened the attempt.
    /// </summary>
    public async Task<LogWrite> AppendAsync(AttemptKey key, string claimId, int firstSeq, IReadOnlyCollection<byte[]> payloads, int maxAnswerBytes)
    {
        var values = new RedisValue[6 + payloads.Count];
        values[0] = key.Attempt;
        values[1] = claimId;
        values[2] = firstSeq;
        values[3] = key.Channel.ToString();
        values[4] = Seconds(KeptWhileRunning);
        values[5] = maxAnswerBytes;
        var i = 6;
        foreach (var payload in payloads)
        {
            values[i++] = new ReadOnlyMemory<byte>(payload).ToWellFormed();
        }

        return Outcome((long)await Script.Append.RunUntracedAsync(Database, [key.Turn, key.Log], values));
    }

    /// <summary>Finishes the turn for its worker: writes the last entry of the log. <paramref name="claimId"/> is the one that opened the attempt.</summary>
    public async Task<LogWrite> FinishAsync(AttemptKey key, string claimId, int seq, string outcome, string text)
    {
        var payload = StreamEvent.Done(text, key.ConversationId, key.TurnId, key.Attempt, seq, outcome);
        var result = await Script.Finish.RunAsync(
            Database,
            [key.Turn, key.Log],
            [key.Attempt, claimId, seq, key.Channel.ToString(), Seconds(KeptAfterEnd), outcome, payload]
        );
        return Outcome((long)result);
    }

    /// <summary>Cancels the turn for a client, in any attempt, and tells its worker to stop. No effect if it has ended.</summary>
    /// <param name="key">The attempt that the caller assumes to be open.</param>
    public Task CancelAsync(AttemptKey key) => EndAsync(key, TurnOutcome.Cancelled);

    /// <summary>Fails the turn, in any attempt, and tells its worker to stop. No effect if it has ended.</summary>
    /// <param name="key">The attempt that the caller assumes to be open.</param>
    public Task FailAsync(AttemptKey key) => EndAsync(key, TurnOutcome.Failed);

    /// <summary>
    /// Ends a turn that has ended in Postgres, in any attempt, and tells its worker to stop. No effect if Redis has an end: it does not where it
    /// lost its data while the end was on its way, and then the turn may have been given another attempt.
    /// </summary>
    /// <param name="key">The attempt that the caller assumes to be open.</param>
    /// <param name="outcome">A word of <see cref="TurnOutcome"/>.</param>
    public async Task EnsureEndedAsync(AttemptKey key, string outcome)
    {
        if (!await Database.HashExistsAsync(key.Turn, "end"))
        {
            await EndAsync(key, outcome);
        }
    }

    /// <summary>Reads the state of a turn. An invalid field counts as missing.</summary>
    public async Task<TurnState> ReadStateAsync(Guid conversationId, Guid turnId)
    {
        var fields = (RedisValue[])(await Script.State.RunAsync(Database, [RedisKeys.Turn(conversationId, turnId)], []))!;
        var silence = (long)fields[4];
        return new(
            (int)NumberOf(fields[0], StreamEvent.MaxAttempt),
            (string?)fields[1] is { } end && TurnOutcome.IsEnd(end) ? end : null,
            silence < 0 ? null : TimeSpan.FromSeconds(silence),
            (int)NumberOf(fields[2], StreamEvent.MaxSeq),
            fields[3].IsNullOrEmpty ? null : (string)fields[3]!
        );
    }

    /// <summary>Reads entries of an attempt's log, from seq <paramref name="after"/> + 1, at most <paramref name="most"/>.</summary>
    public async Task<IReadOnlyList<StreamEvent>> ReadAsync(Guid conversationId, Guid turnId, int attempt, int after, int most)
    {
        var entries = await RedisOperation.TraceAsync(
            "read_log",
            () => Database.ListRangeAsync(RedisKeys.Log(conversationId, turnId, attempt), after, (long)after + most - 1)
        );
        return [.. entries.Select((entry, i) => EntryOf(entry, turnId, attempt, after + i + 1))];
    }

    /// <summary>Reads the text of an attempt: from the last entry if a worker wrote the end, otherwise from the chunks.</summary>
    /// <returns>The text, and whether the log has an end. Without one the log may have been lost, whatever the turn's state says.</returns>
    public async Task<(string Text, bool HasEnd)> ReadTextAsync(Guid conversationId, Guid turnId, int attempt)
    {
        var entries = await RedisOperation.TraceAsync("read_text", () => Database.ListRangeAsync(RedisKeys.Log(conversationId, turnId, attempt)));
        var text = new StringBuilder();
        var hasEnd = false;
        for (var i = 0; i < entries.Length; i++)
        {
            var read = EntryOf(entries[i], turnId, attempt, i + 1);
            hasEnd |= read.Kind == StreamEventKind.Done;
            if (read is { Kind: StreamEventKind.Done, EscapedText: not null })
            {
                return (read.Text, hasEnd);
            }

            text.Append(read.Text);
        }

        return (text.ToString(), hasEnd);
    }

    private async Task EndAsync(AttemptKey key, string outcome)
    {
        while (true)
        {
            var result = (long)
                await Script.End.RunAsync(
                    Database,
                    [key.Turn, key.Log],
                    [
                        key.Attempt,
                        key.Channel.ToString(),
                        Seconds(KeptAfterEnd),
                        outcome,
                        StreamEvent.EndWithoutSeq(key.ConversationId, key.TurnId, key.Attempt, outcome),
                        RedisKeys.Stop.ToString(),
                        key.TurnId.ToString("D"),
                        StreamEvent.MaxAttempt,
                    ]
                );
            if (result <= 0)
            {
                return;
            }

            key = key with { Attempt = (int)result };
        }
    }

    /// <summary>Parses an entry. <see cref="StreamEventKind.Unknown"/> if it does not match its position.</summary>
    private static StreamEvent EntryOf(RedisValue entry, Guid turnId, int attempt, int seq)
    {
        var read = StreamEvent.Parse(entry);
        return (read.TurnId, read.Attempt, read.Seq) == (turnId, attempt, seq) ? read : default;
    }

    /// <summary>0: missing, not a number, or not from 1 to <paramref name="most"/>.</summary>
    private static long NumberOf(RedisValue value, long most) => value.TryParse(out long number) && number > 0 && number <= most ? number : 0;

    private static long Seconds(TimeSpan time) => (long)time.TotalSeconds;

    private static LogWrite Outcome(long result) =>
        result switch
        {
            -1 => LogWrite.Fenced,
            -2 => LogWrite.Lost,
            -3 => LogWrite.Ended,
            -4 => LogWrite.TooLong,
            _ => LogWrite.Written,
        };
}
