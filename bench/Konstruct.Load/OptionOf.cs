using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Konstruct.Load;

/// <summary>Makes options whose values are checked, so that a wrong one ends in a sentence.</summary>
internal static class OptionOf
{
    public static Option<string> Text(string name, string otherwise, string description) =>
        new(name) { Description = description, DefaultValueFactory = _ => otherwise };

    public static Option<double> Number(string name, double otherwise, string description, double least = 0, double most = 1_000_000) =>
        new(name)
        {
            Description = description,
            DefaultValueFactory = _ => otherwise,
            CustomParser = given =>
                Check(
                    given,
                    text =>
                        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most
                            ? value
                            : throw new BadArgumentException($"{name} is '{text}': it is a number from {least} to {most}.")
                ),
        };

    /// <param name="name">The option's name with its hyphens.</param>
    /// <param name="otherwise">The value where the option is missing, as text.</param>
    /// <param name="description">One sentence.</param>
    /// <param name="parse">Reads the value or throws <see cref="BadArgumentException"/>.</param>
    public static Option<T> Value<T>(string name, string otherwise, string description, Func<string, T> parse) =>
        new(name)
        {
            Description = description,
            DefaultValueFactory = _ => parse(otherwise),
            CustomParser = Parser(parse),
        };

    /// <summary>An option that may be repeated.</summary>
    public static Option<T[]> List<T>(string name, string description, Func<string, T> parse) =>
        new(name)
        {
            Description = $"{description} May be repeated.",
            DefaultValueFactory = _ => [],
            CustomParser = given => [.. given.Tokens.Select(token => Check(given, _ => parse(token.Value))!)],
        };

    /// <summary>A parser of one value. What <paramref name="parse"/> throws as <see cref="BadArgumentException"/> becomes the option's error.</summary>
    public static Func<ArgumentResult, T?> Parser<T>(Func<string, T> parse) => given => Check(given, parse);

    private static T? Check<T>(ArgumentResult given, Func<string, T> parse)
    {
        try
        {
            return parse(given.Tokens[0].Value);
        }
        catch (BadArgumentException problem)
        {
            given.AddError(problem.Message);
            return default;
        }
    }
}
