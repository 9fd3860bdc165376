using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Turns;
using Konstruct.ServiceDefaults.Stores;

namespace Konstruct.Gateway.Conversations;

/// <summary>
/// Deletes conversations. Running turns are cancelled first: their workers stop, and their subscribers on every
/// gateway get the end. Throws what the stores throw when they are down; the call can be repeated.
/// </summary>
internal sealed partial class ConversationDeleter(
    ConversationStore store,
    ConversationCatalog catalog,
    TurnCanceller canceller,
    Acknowledger acknowledger,
    ILogger<ConversationDeleter> logger
)
{
    /// <summary>Deletes a conversation with its messages. False: this user has none with this id.</summary>
    public async Task<bool> DeleteAsync(ConversationKey key, Guid userId, CancellationToken cancellationToken)
    {
        if (await store.OpenAsync(key, userId, cancellationToken) is not { } running)
        {
            return false;
        }

        foreach (var turn in running)
        {
            await canceller.CancelAsync(turn);
        }

        // These turns began since, or are cancelled but not persisted. The gateway that persists their
        // end finds no row, and still sends the end to its sockets.
        if (await catalog.DeleteAsync(key, userId, cancellationToken) is { Count: > 0 } left)
        {
            await ForgetAsync(left);
        }

        return true; // True even if another request was faster.
    }

    /// <summary>Cancels the turns in Redis. Their rows are deleted, so no sweep finds them.</summary>
    private async Task ForgetAsync(List<TurnRow> turns)
    {
        try
        {
            foreach (var turn in turns)
            {
                await canceller.CancelAsync(turn);
                acknowledger.Add(turn.TurnId, turn.Attempt);
            }
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            Log.NotCancelled(logger, exception.Message); // Their entries expire without it.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(400, LogLevel.Warning, "A conversation is deleted, but turns that had just begun in it could not be cancelled: {Reason}")]
        public static partial void NotCancelled(ILogger logger, string reason);
    }
}
