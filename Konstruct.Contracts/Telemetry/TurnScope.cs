using System.Collections;
using Microsoft.Extensions.Logging;

namespace Konstruct.Contracts.Telemetry;

/// <summary>Ids on every log line about a turn, besides its trace. Never the text of a message.</summary>
public static class TurnScope
{
    /// <summary>Adds <c>tenant_id</c>, <c>conversation_id</c> and <c>turn_id</c> to log entries until the result is disposed.</summary>
    /// <param name="logger">Any logger: scopes apply to all.</param>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="conversationId">The conversation.</param>
    /// <param name="turnId">The turn; null: only the conversation is known.</param>
    public static IDisposable? BeginTurn(this ILogger logger, Guid tenantId, Guid conversationId, Guid? turnId = null) =>
        logger.BeginScope(new Ids(tenantId, conversationId, turnId));

    private sealed class Ids(Guid tenantId, Guid conversationId, Guid? turnId) : IReadOnlyList<KeyValuePair<string, object?>>
    {
        public int Count => turnId is null ? 2 : 3;

        public KeyValuePair<string, object?> this[int index] =>
            index switch
            {
                0 => new("tenant_id", tenantId),
                1 => new("conversation_id", conversationId),
                2 when turnId is not null => new("turn_id", turnId),
                _ => throw new ArgumentOutOfRangeException(nameof(index)),
            };

        public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
        {
            for (var i = 0; i < Count; i++)
            {
                yield return this[i];
            }
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        /// <summary>The form that console loggers print.</summary>
        public override string ToString() => string.Join(' ', this.Select(id => $"{id.Key}:{id.Value}"));
    }
}
