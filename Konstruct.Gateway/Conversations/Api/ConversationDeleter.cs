using Konstruct.Gateway.Turns;
using Konstruct.ServiceDefaults.Stores;

namespace Konstruct.Gateway.Conversations.Api;

/// <summary>
/// Deletes conversations. What is being answered is cancelled first: its worker stops, and the sockets that follow it, on whatever gateway, get its end.
/// Throws what the stores throw when they are down; it can be repeated then.
/// </summary>
internal sealed partial class ConversationDeleter(
    ConversationStore store, ConversationCatalog catalog, TurnCanceller canceller, Settling settling, ILogger<ConversationDeleter> logger)
{
    /// <summary>Deletes a conversation with its messages. False: this user has none of that id.</summary>
    public async Task<bool> DeleteAsync(ConversationKey key, CancellationToken cancellationToken)
    {
        if (await store.OpenAsync(key, cancellationToken) is not { } running)
        {
            return false;
        }

        foreach (var turn in running)
        {
            await canceller.EndAsync(turn);
        }

        // What has begun since, and what is cancelled but not yet persisted. Whoever persists an end then finds no row, and tells its sockets all the same.
        if (await catalog.DeleteAsync(key, cancellationToken) is { Count: > 0 } left)
        {
            await ForgetAsync(left);
        }

        return true; // If somebody else was faster, it is gone as well.
    }

    /// <summary>No sweep finds these turns any more, since their rows are deleted: what of them is in Redis is ended here.</summary>
    private async Task ForgetAsync(List<TurnRow> turns)
    {
        try
        {
            foreach (var turn in turns)
            {
                await canceller.EndAsync(turn);
                settling.Add(turn.TurnId, turn.Attempt);
            }
        }
        catch (Exception exception) when (exception.IsOutage())
        {
            Log.NotEnded(logger, exception.Message); // They end by themselves, and leave nothing behind.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(400, LogLevel.Warning, "A conversation is deleted, but turns that had just begun in it could not be cancelled: {Reason}")]
        public static partial void NotEnded(ILogger logger, string reason);
    }
}
