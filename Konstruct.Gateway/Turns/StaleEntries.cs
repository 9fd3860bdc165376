using Konstruct.Contracts.Dispatch;
using Konstruct.Gateway.Conversations;
using Konstruct.ServiceDefaults.Loops;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Turns;

/// <summary>
/// Entries of the dispatch queue that nobody looks after: of turns that have ended, whose gateway or worker died or lost Redis before it could settle them, and of
/// nothing at all.
/// </summary>
internal sealed class StaleEntries(ConversationStore store, DispatchQueue queue, DeadLetters dead, Failures failures, IOptions<ChatOptions> options)
{
    private const int MostInOneRound = 500;

    /// <summary>Forgets those of turns that have ended, and puts aside those that cannot be read. Throws when a store does not serve at all.</summary>
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
        else if (await store.FindTurnAsync(task.TenantId, task.ConversationId, task.TurnId, cancellationToken) is null or { IsEnded: true })
        {
            await queue.SettleAsync(entry);
        }
    }
}
