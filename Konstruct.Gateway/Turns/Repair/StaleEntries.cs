using Konstruct.Contracts.Dispatch;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Storage;
using Konstruct.ServiceDefaults.Loops;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Turns.Repair;

/// <summary>
/// Stale entries of the dispatch queue: entries of ended turns whose gateway or worker died or lost
/// Redis before it acknowledged them, and entries that belong to no turn.
/// </summary>
internal sealed class StaleEntries(ConversationStore store, DispatchQueue queue, DeadLetters dead, Failures failures, IOptions<ChatOptions> options)
{
    private const int MostInOneRound = 500;

    /// <summary>Removes the entries of ended turns, and moves unreadable ones to the dead letters. Throws when a store is down.</summary>
    public async Task TidyAsync(CancellationToken cancellationToken)
    {
        foreach (var (entry, payload) in await queue.StaleAsync(options.Value.SweepAge, MostInOneRound))
        {
            await failures.TryRowAsync("tidying the queue", () => TidyAsync(entry, payload, cancellationToken), cancellationToken);
        }
    }

    private async Task TidyAsync(string entry, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        if (TaskReading.TryRead(entry, payload.Span, out var task) is { } unreadable)
        {
            await dead.BuryAsync(entry, payload, unreadable);
        }
        else if (await store.FindTurnAsync(new(task.TenantId, task.ConversationId), task.TurnId, cancellationToken) is null or { IsEnded: true })
        {
            await queue.RemoveAsync(entry);
        }
    }
}
