using System.Globalization;
using System.Text;

namespace Konstruct.Tests.Chaos;

/// <summary>What a run found, as Markdown.</summary>
internal sealed record Summary(int Seed, int Minutes)
{
    public required IReadOnlyList<PlannedFault> Schedule { get; init; }

    public required IReadOnlyList<PlayedFault> Played { get; init; }

    /// <summary>Kinds of faults that this machine cannot play, and why.</summary>
    public required IReadOnlyList<string> Skipped { get; init; }

    /// <summary>Messages that clients sent.</summary>
    public required int Asked { get; init; }

    public required IReadOnlyList<StoredTurn> Stored { get; init; }

    /// <summary>Answers of which every chunk had to be streamed.</summary>
    public required int Wholes { get; init; }

    /// <summary>How often clients had to come back.</summary>
    public required int Returns { get; init; }

    public required Resources Before { get; init; }

    public required Resources After { get; init; }

    /// <summary>Errors that were not foreseen and that a process survived.</summary>
    public required IReadOnlyList<string> Errors { get; init; }

    public required IReadOnlyList<Violation> Violations { get; init; }

    /// <summary>The latest lines of all processes.</summary>
    public required string Log { get; init; }

    public override string ToString()
    {
        var text = new StringBuilder();
        Line(text, $"Seed {Seed}, {Minutes} min, {Crowd.Size} clients, {Played.Count} faults.\n");
        Line(text, $"| messages | |\n|---|---|");
        Line(text, $"| asked | {Asked} |");
        Line(text, $"| accepted | {Stored.Count} |");
        foreach (var ends in Stored.SelectMany(turn => turn.Endings).GroupBy(end => (end.Status, end.Attempt)).OrderBy(ends => ends.Key.ToString()))
        {
            Line(text, $"| {ends.Key.Status} in attempt {ends.Key.Attempt} | {ends.Count()} |");
        }

        Line(text, $"| not accepted | {Asked - Stored.Count} |");
        Line(text, $"| of which every chunk had to be streamed | {Wholes} |");
        Line(text, $"| reconnects of clients | {Returns} |");
        Line(text, $"| errors not foreseen and survived | {Errors.Count} |\n");
        Line(text, $"| fault | played |\n|---|---|");
        foreach (var kind in ChaosFault.All)
        {
            Line(text, $"| {kind.Name} | {Played.Count(fault => fault.Planned.Name == kind.Name)} |");
        }

        foreach (var skipped in Skipped)
        {
            Line(text, $"| not played: {skipped} | |");
        }

        Line(text, $"\n| rule | violations |\n|---|---|");
        foreach (var rule in Enum.GetValues<Rule>())
        {
            Line(text, $"| {rule} | {Violations.Count(violation => violation.Rule == rule)} |");
        }

        Line(text, $"\n| holds | before | after |\n|---|---|---|");
        foreach (var (name, count) in After.Counts)
        {
            Line(text, $"| {name} | {Before.Counts[name]} | {count} |");
        }

        return text.ToString();
    }

    /// <summary>Everything that helps to look at a violation.</summary>
    public string Details() =>
        string.Join(
            '\n',
            [
                $"{this}",
                "# Schedule",
                .. Schedule,
                "# Violations",
                .. Violations,
                "# Errors that were not foreseen",
                .. Errors.Distinct().Take(50),
                "# Logs",
                Log,
            ]
        );

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
