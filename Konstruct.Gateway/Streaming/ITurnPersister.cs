using System.Diagnostics;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Storage;

namespace Konstruct.Gateway.Streaming;

/// <summary>Persists the ends that feeds hear of.</summary>
internal interface ITurnPersister
{
    /// <summary>Persists an end, and retries until it succeeds or the gateway stops.</summary>
    /// <param name="end">The end.</param>
    /// <param name="trace">The turn's trace; default: unknown here.</param>
    /// <param name="turn">The root span, if this gateway has it.</param>
    /// <exception cref="OperationCanceledException">The gateway stops.</exception>
    Task<PersistedTurn> PersistAsync(TurnEnd end, ActivityContext trace, Activity? turn = null);
}

/// <summary>Result of persisting an end.</summary>
/// <param name="Row">
/// The row after the call. Null: Postgres does not have this turn in this tenant and
/// conversation, because the conversation was deleted or the end was forged.
/// </param>
/// <param name="Text">The text of the end, or of the log.</param>
/// <param name="IsLost">Redis lost the end before its text was read, and nothing was persisted: the turn goes on.</param>
internal readonly record struct PersistedTurn(TurnRow? Row, ReadOnlyMemory<byte> Text, bool IsLost = false);

/// <summary>The end of a turn, before it is persisted.</summary>
/// <param name="Key">The conversation.</param>
/// <param name="TurnId">The turn.</param>
/// <param name="Outcome">A word of <see cref="TurnOutcome"/>.</param>
/// <param name="Attempt">The attempt that ended it; 0: keep the row's.</param>
/// <param name="Text">The full text, UTF-8; null: read it from the log.</param>
internal sealed record TurnEnd(ConversationKey Key, Guid TurnId, string Outcome, int Attempt, ReadOnlyMemory<byte>? Text);
