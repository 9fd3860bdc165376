using System.Globalization;

namespace Konstruct.Load.Worker;

/// <summary>Timing of an answer's tokens.</summary>
/// <param name="Tokens">Number of tokens.</param>
/// <param name="Rate">Tokens per second; 0: in bursts, or all at once.</param>
/// <param name="Delay">Microseconds before the first.</param>
/// <param name="Burst">Tokens per burst; 0: all.</param>
/// <param name="Every">Microseconds between two bursts.</param>
internal sealed record Script(int Tokens, double Rate, long Delay, int Burst, long Every)
{
    public static Script Of(string text)
    {
        var script = new Script(40, 25, 0, 0, 0);
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (
                word.Split('=') is [var name, var value]
                && double.TryParse(value, CultureInfo.InvariantCulture, out var number)
                && number is >= 0 and <= 1_000_000
            )
            {
                script = name switch
                {
                    "tokens" => script with { Tokens = (int)number },
                    "rate" => script with { Rate = number },
                    "delay" => script with { Delay = (long)(number * 1000) },
                    "burst" => script with { Burst = (int)number },
                    "every" => script with { Every = (long)(number * 1000) },
                    _ => script,
                };
            }
        }

        return script;
    }

    /// <summary>Due time of a token, in microseconds from the beginning.</summary>
    public long DueOf(int index) =>
        Delay
        + (
            Rate > 0 ? (long)(index * 1e6 / Rate)
            : Burst > 0 ? index / Burst * Every
            : 0
        );
}
