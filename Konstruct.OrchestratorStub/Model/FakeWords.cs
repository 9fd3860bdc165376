namespace Konstruct.OrchestratorStub.Model;

/// <summary>Words of the fake model, always the same for the same message.</summary>
internal static class FakeWords
{
    private static readonly string[] Words =
    [
        "the",
        "answer",
        "is",
        "a",
        "stream",
        "of",
        "words",
        "that",
        "no",
        "model",
        "wrote",
        "and",
        "every",
        "token",
        "comes",
        "in",
        "order",
        "while",
        "you",
        "read",
        "it",
        "so",
        "nothing",
        "will",
        "be",
        "lost",
        "on",
        "its",
        "way",
        "from",
        "here",
        "to",
        "your",
        "screen",
        "even",
        "when",
        "some",
        "process",
        "ends",
        "early",
        "or",
        "another",
        "begins",
        "again",
        "this",
        "sentence",
        "goes",
        "further",
        "than",
        "expected",
        "with",
        "patience",
    ];

    /// <summary>Every UTF-8 width, both directions, combining marks, sequences that must not be split, and characters that JSON escapes.</summary>
    private static readonly string[] EveryScript =
    [
        "plain ",
        "Grüße ",
        "œuvre ",
        "Ωμέγα ",
        "Привет ",
        "שלום ",
        "مرحبا ",
        "नमस्ते ",
        "สวัสดี ",
        "漢字 ",
        "かな ",
        "한국어 ",
        "😀 ",
        "👩‍👩‍👧‍👦 ",
        "🇪🇺 ",
        "e\u0301 ",
        "👍🏽 ",
        "\u202Bright\u202C ",
        "\u200B",
        "\uFEFF",
        "\"quoted\" ",
        "back\\slash ",
        "line\nbreak ",
        "tab\there ",
        "\u0001",
        "\u007F",
        "<b>&amp;</b> ",
        "\u2028",
        "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ",
        "\U0010FFFD",
    ];

    /// <summary>Formatted text as a model writes it, and markup that a page must show as text.</summary>
    private const string Formatted = """
        ## What happens to a token

        An answer is a **stream**, not a *reply*. Each token takes the same way:

        1. The orchestrator appends it to an ordered log and publishes it, in `one atomic step`.
        2. The gateway forwards it to every socket of the conversation.
           - A tab that reads slowly is closed, and resumes.
           - A tab that comes back asks for what is after its last `seq`.
        3. At the end the answer is written to Postgres, once.

        | what dies | what a client sees |
        |---|---|
        | the gateway | a reconnect, then the rest |
        | the orchestrator | `reset`, then the next attempt |
        | the client | nothing: the answer goes on |

        ```json
        {"type":"chunk","text":"Hi ","turn_id":"…","attempt":1,"seq":1}
        ```

        > What was accepted ends exactly once.

        The frames are in the [AsyncAPI document](https://www.asyncapi.com/docs/reference/specification/v3.0.0). What looks like markup stays text:
        <script>alert(1)</script>, [no link](javascript:alert(1)).
        """;

    /// <summary>Returns the tokens of an answer.</summary>
    public static IEnumerable<string> For(string text, Scenario scenario, TimeProvider time) =>
        scenario.Kind switch
        {
            ScenarioKind.Empty or ScenarioKind.Silent => [],
            ScenarioKind.Unicode => EveryScript,
            ScenarioKind.Markdown => Formatted.Split(' ').Select((word, i) => i == 0 ? word : " " + word),
            ScenarioKind.Giant => [new string('x', scenario.Tokens)],
            ScenarioKind.Tiny => Enumerable.Range(0, scenario.Tokens).Select(i => ((char)('a' + (i % 26))).ToString()),
            ScenarioKind.Stamp => Sentence(text, scenario.Tokens)
                .Select(word => $"{time.GetUtcNow().Subtract(DateTimeOffset.UnixEpoch).Ticks / 10} {word}"),
            ScenarioKind.Reply => CannedReply.To(text, scenario.Tokens),
            _ => Sentence(text, scenario.Tokens),
        };

    /// <summary>FNV-1a: the same in every process, unlike <see cref="string.GetHashCode()"/>.</summary>
    public static ulong Seed(string text) => text.Aggregate(14695981039346656037UL, (hash, character) => (hash ^ character) * 1099511628211UL);

    private static IEnumerable<string> Sentence(string text, int tokens)
    {
        var state = Seed(text);
        for (var i = 0; i < tokens; i++)
        {
            state = (state * 6364136223846793005UL) + 1442695040888963407UL;
            yield return Words[(int)((state >> 33) % (ulong)Words.Length)] + " ";
        }
    }
}
