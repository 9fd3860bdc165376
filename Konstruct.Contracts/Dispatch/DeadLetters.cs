using System.Diagnostics.Metrics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Konstruct.Contracts.Dispatch;

/// <summary>
/// Moves unreadable entries of the dispatch queue aside for an operator. Otherwise every process would find them in every round.
/// If the entry belonged to a turn, that turn is still pending in Postgres and is dispatched again from there.
/// </summary>
public sealed partial class DeadLetters(DispatchQueue queue, ILogger<DeadLetters> logger)
{
    /// <summary>Number of letters kept; the oldest are dropped first.</summary>
    public const int Most = 1_000;

    /// <summary>Number of characters of a payload that are kept, so that large payloads do not fill Redis.</summary>
    private const int MostCharacters = 8 * 1024;

    private const int MostLoggedCharacters = 100;

    private static readonly Meter Meter = new("Konstruct.Dispatch");

    private static readonly Counter<long> Buried = Meter.CreateCounter<long>(
        "konstruct.dead_letters",
        "{entry}",
        "Entries of the dispatch queue that could not be read and were put aside, by reason."
    );

    /// <summary>Moves an entry to the dead letters. If several processes find it, one moves and counts it.</summary>
    /// <exception cref="RedisException">Redis cannot be reached, or refuses. Likewise <see cref="TimeoutException"/>.</exception>
    public async Task BuryAsync(string entry, ReadOnlyMemory<byte> payload, UnreadableReason reason)
    {
        var word = reason.ToString().ToLowerInvariant();
        var text = Encoding.UTF8.GetString(payload.Span);
        var letter = JsonSerializer.Serialize(new(entry, word, Cut(text, MostCharacters)), DeadLetterJson.Default.DeadLetter);
        if (await queue.BuryAsync(entry, letter[1..], Most))
        {
            Buried.Add(1, new KeyValuePair<string, object?>("reason", word));
            Log.Buried(logger, Cut(entry, MostLoggedCharacters), word);
        }
    }

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..most];

    private static partial class Log
    {
        [LoggerMessage(
            700,
            LogLevel.Error,
            "The entry {Entry} of the dispatch queue cannot be read ({Reason}) and was put aside: LRANGE {{dispatch}}:dead 0 9 shows the latest"
        )]
        public static partial void Buried(ILogger logger, string entry, string reason);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(DeadLetter))]
internal sealed partial class DeadLetterJson : JsonSerializerContext;

/// <summary>A dead letter. In Redis <c>at</c>, the Unix time in seconds, precedes the other members.</summary>
internal sealed record DeadLetter(string Entry, string Reason, string Payload);
