using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Conversations;

namespace Konstruct.Gateway.Turns;

/// <summary>A turn as both stores have it: the row in Postgres, the log in Redis.</summary>
/// <param name="Row">The row.</param>
/// <param name="Attempt">The attempt that is open, or that Postgres gave out last when Redis knows of none; the first, when it was given back.</param>
/// <param name="LastSeq">The last chunk in its log; 0: none, or no log any more.</param>
/// <param name="HasLog">Whether Redis knows of the turn: false before a worker has taken it, and when the log has expired or was lost.</param>
/// <param name="Traceparent">Its trace; null when Redis does not know.</param>
internal sealed record StoredTurn(TurnRow Row, int Attempt, int LastSeq, bool HasLog, string? Traceparent = null)
{
    /// <summary>Adds to a row what Redis knows. Throws when Redis cannot be reached.</summary>
    public static async Task<StoredTurn> ReadAsync(TurnLog log, TurnRow row)
    {
        var state = await log.ReadStateAsync(row.ConversationId, row.TurnId);
        return state.Attempt == 0 ? new(row, Math.Max(row.Attempt, 1), 0, HasLog: false) : new(row, state.Attempt, state.LastSeq, HasLog: true, state.Traceparent);
    }
}
