using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Storage;

namespace Konstruct.Gateway.Streaming;

/// <summary>A turn as both stores have it: the row in Postgres, the log in Redis.</summary>
/// <param name="Row">The row.</param>
/// <param name="Attempt">The open attempt; if Redis has none, the attempt that Postgres issued last, at least 1.</param>
/// <param name="LastSeq">The last chunk in the log; 0: no chunk, or no log.</param>
/// <param name="HasLog">Whether Redis has the turn. False before a worker has claimed it, and when the log has expired or was lost.</param>
/// <param name="Traceparent">The turn's trace; null: unknown to Redis.</param>
internal sealed record StoredTurn(TurnRow Row, int Attempt, int LastSeq, bool HasLog, string? Traceparent = null)
{
    /// <summary>
    /// Whether the turn has ended and Redis has no log of its answer. Where Redis lost the end, a worker may have opened a later attempt, or may be opening
    /// one that was still in the queue: nothing of it belongs to the answer.
    /// </summary>
    public bool HasOnlyRow => Row.IsEnded && (!HasLog || Attempt > Row.Attempt);

    /// <summary>Combines a row with the state in Redis. Throws when Redis cannot be reached.</summary>
    public static async Task<StoredTurn> ReadAsync(TurnLog log, TurnRow row)
    {
        var state = await log.ReadStateAsync(row.Key.ConversationId, row.TurnId);
        return state.Attempt == 0
            ? new(row, Math.Max(row.Attempt, 1), 0, HasLog: false)
            : new(row, state.Attempt, state.LastSeq, HasLog: true, state.Traceparent);
    }
}
