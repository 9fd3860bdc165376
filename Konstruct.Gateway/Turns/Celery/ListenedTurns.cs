using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Streaming;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Turns.Celery;

/// <summary>The legacy turns that this gateway listens to. Finds the turn of each payload.</summary>
internal sealed partial class ListenedTurns(IOptions<DispatchOptions> options, ILogger<ListenedTurns> logger) : ILegacyListener
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ConversationKey, List<ListenedTurn>> _turns = []; // The oldest first.
    private bool _isTold; // The warning about payloads without a turn was logged.

    /// <summary>Called when a turn has heard something. Set by the listener.</summary>
    public Action<ListenedTurn> Heard { get; set; } = _ => { };

    /// <summary>Snapshot of all turns.</summary>
    public List<ListenedTurn> All()
    {
        lock (_gate)
        {
            return [.. _turns.Values.SelectMany(turns => turns)];
        }
    }

    public ListenedTurn? Find(ConversationKey key, Guid turnId)
    {
        lock (_gate)
        {
            return _turns.GetValueOrDefault(key)?.Find(turn => turn.TurnId == turnId);
        }
    }

    /// <summary>Snapshot of the turns of a conversation.</summary>
    public IReadOnlyList<ListenedTurn> Of(ConversationKey key)
    {
        lock (_gate)
        {
            return _turns.TryGetValue(key, out var turns) ? [.. turns] : [];
        }
    }

    /// <summary>
    /// Adds a turn if the conversation's turns are still those that the caller has seen, so that a turn which is over cannot replace a
    /// later one.
    /// </summary>
    public bool TryAdd(ListenedTurn turn, IReadOnlyList<ListenedTurn> seen)
    {
        lock (_gate)
        {
            var turns = _turns.GetValueOrDefault(turn.Key) ?? [];
            if (!turns.SequenceEqual(seen))
            {
                return false;
            }

            turns.Add(turn);
            _turns[turn.Key] = turns;
            return true;
        }
    }

    /// <summary>False: it was removed before.</summary>
    public bool Remove(ListenedTurn turn)
    {
        lock (_gate)
        {
            var isRemoved = _turns.TryGetValue(turn.Key, out var turns) && turns.Remove(turn);
            if (turns is { Count: 0 })
            {
                _turns.Remove(turn.Key);
            }

            return isRemoved;
        }
    }

    public bool Take(ConversationKey key, in StreamEvent payload)
    {
        var isLegacy = payload.IsLegacy || (payload.Attempt, payload.Seq) == (0, 0);
        var isAnswer = payload.Kind is StreamEventKind.Chunk or StreamEventKind.Done;
        if (!isAnswer)
        {
            return false;
        }

        ListenedTurn? turn;
        lock (_gate)
        {
            var turns = _turns.GetValueOrDefault(key);
            turn = payload.IsLegacy && isLegacy ? OldestOpen(turns) : FindIn(turns, payload.TurnId);
        }

        if (!isLegacy)
        {
            if (payload.Kind == StreamEventKind.Chunk)
            {
                turn?.OnWritten(in payload);
            }

            return false;
        }

        if (turn is not null)
        {
            turn.Hear(in payload);
            Heard(turn);
        }

        return true;
    }

    private static ListenedTurn? FindIn(List<ListenedTurn>? turns, Guid turnId) => turns?.Find(turn => turn.TurnId == turnId);

    /// <summary>The turn of a payload that names none: the only one whose orchestrator has not published <c>done</c>.</summary>
    private ListenedTurn? OldestOpen(List<ListenedTurn>? turns)
    {
        if (!options.Value.Celery.EchoesTurn)
        {
            return turns?.FindLast(turn => turn.Done is null);
        }

        if (!_isTold)
        {
            _isTold = true;
            Log.WithoutTurn(logger);
        }

        return null;
    }

    private static partial class Log
    {
        [LoggerMessage(
            360,
            LogLevel.Error,
            "A payload without turn_id was dropped, because Dispatch:Celery:EchoesTurn is set. Publish the payload's turn_id, or unset the setting"
        )]
        public static partial void WithoutTurn(ILogger logger);
    }
}
