using System.Globalization;

namespace Konstruct.Load;

/// <summary>An invalid argument; the message says what is expected.</summary>
internal sealed class BadArgumentException(string message) : Exception(message);

/// <summary>Options of a command: <c>--name value</c>, each at most once unless it is a list.</summary>
internal sealed class Arguments
{
    private readonly List<(string Name, string Value)> _given = [];
    private readonly HashSet<string> _asked = [];

    public Arguments(string[] args)
    {
        for (var i = 0; i < args.Length; i += 2)
        {
            if (!args[i].StartsWith("--", StringComparison.Ordinal))
            {
                throw new BadArgumentException($"'{args[i]}' is no option; options begin with --.");
            }

            if (i + 1 == args.Length)
            {
                throw new BadArgumentException($"A value is missing after {args[i]}.");
            }

            _given.Add((args[i][2..], args[i + 1]));
        }
    }

    public string Text(string name, string otherwise) => All(name).LastOrDefault(otherwise);

    public IReadOnlyList<string> All(string name)
    {
        _asked.Add(name);
        return [.. _given.Where(option => option.Name == name).Select(option => option.Value)];
    }

    public double Number(string name, double otherwise, double least = 0, double most = 1_000_000)
    {
        var text = Text(name, otherwise.ToString(CultureInfo.InvariantCulture));
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most
            ? value
            : throw new BadArgumentException($"--{name} is '{text}': it is a number from {least} to {most}.");
    }

    public int Count(string name, int otherwise, int least = 0, int most = 1_000_000) => (int)Number(name, otherwise, least, most);

    public TimeSpan Seconds(string name, double otherwise) => TimeSpan.FromSeconds(Number(name, otherwise, most: 86_400));

    /// <summary>Refuses unknown options: a misspelled one would otherwise have no effect.</summary>
    public void EnsureAllKnown()
    {
        if (_given.Find(option => !_asked.Contains(option.Name)) is { Name: { } unknown })
        {
            throw new BadArgumentException($"Unknown option --{unknown}; --help lists what there is.");
        }
    }
}
