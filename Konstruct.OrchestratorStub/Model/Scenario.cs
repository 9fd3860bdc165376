using System.Globalization;

namespace Konstruct.OrchestratorStub.Model;

/// <summary>Kind of answer that a message requests.</summary>
internal enum ScenarioKind
{
    /// <summary>Whole sentences, at a steady rate: the answer to a message without a command.</summary>
    Reply,

    /// <summary>A given number of words, at a steady rate.</summary>
    Stream,

    /// <summary>No token.</summary>
    Empty,

    /// <summary>Some words, then a failure.</summary>
    Fail,

    /// <summary>No token and no end.</summary>
    Silent,

    /// <summary>Text of every width and direction.</summary>
    Unicode,

    /// <summary>All formatting that answers use, and markup that must stay text.</summary>
    Markdown,

    /// <summary>One huge token.</summary>
    Giant,

    /// <summary>Very many tokens of one character.</summary>
    Tiny,

    /// <summary>Words that begin with their sending time.</summary>
    Stamp,
}

/// <summary>
/// How the fake model answers one message: a command at the start of its text, followed by options.
/// docs/guide/run.md lists them. Other text is answered with some sentences.
/// </summary>
/// <param name="Kind">The kind of answer.</param>
/// <param name="Tokens">Number of tokens; for <see cref="ScenarioKind.Giant"/> number of characters.</param>
/// <param name="Rate">Tokens per second; 0: all at once.</param>
/// <param name="Delay">Pause before the first token.</param>
internal sealed record Scenario(ScenarioKind Kind, int Tokens, double Rate, TimeSpan Delay)
{
    /// <summary>Upper limit of every option.</summary>
    private const int MostTokens = 1_000_000;

    public static Scenario Of(string text, StubOptions options)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var usual = new Scenario(ScenarioKind.Stream, options.Tokens, options.TokensPerSecond, options.FirstTokenDelay);
        var atOnce = usual with { Rate = 0, Delay = TimeSpan.Zero };
        Scenario? command = words.FirstOrDefault() switch
        {
            "/burst" => atOnce with { Tokens = 100 },
            "/stream" => usual,
            "/long" => usual with { Tokens = 2000 },
            "/empty" => atOnce with { Kind = ScenarioKind.Empty },
            "/fail" => usual with { Kind = ScenarioKind.Fail, Tokens = 5 },
            "/silent" => usual with { Kind = ScenarioKind.Silent },
            "/unicode" => usual with { Kind = ScenarioKind.Unicode },
            "/markdown" => usual with { Kind = ScenarioKind.Markdown },
            "/giant" => atOnce with { Kind = ScenarioKind.Giant, Tokens = 100_000 },
            "/tiny" => atOnce with { Kind = ScenarioKind.Tiny, Tokens = 10_000 },
            "/stamp" => usual with { Kind = ScenarioKind.Stamp },
            _ => null,
        };
        if (command is null)
        {
            return usual with { Kind = ScenarioKind.Reply };
        }

        // A bare number directly after the command is its size. Later numbers belong to the user's text.
        var settings = words.Skip(1).Select((word, i) => i == 0 && char.IsAsciiDigit(word[0]) ? $"tokens={word}" : word);
        return settings.Aggregate(command, (scenario, word) => scenario.With(word));
    }

    private Scenario With(string option)
    {
        if (
            option.Split('=', 2) is not [var name, var value]
            || !double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            || number < 0
            || number > MostTokens
        )
        {
            return this;
        }

        return name switch
        {
            "tokens" => this with { Tokens = (int)number },
            "rate" => this with { Rate = number },
            "delay" => this with { Delay = TimeSpan.FromMilliseconds(number) },
            _ => this,
        };
    }
}
