using System.Collections.Concurrent;
using Konstruct.Tests.Harness;
using Xunit;

[assembly: AssemblyFixture(typeof(Konstruct.Tests.Storage.AttackReport))]

namespace Konstruct.Tests.Storage;

/// <summary>Writes the list of attacks as a table when the run ends.</summary>
public sealed class AttackReport : IDisposable
{
    private static readonly ConcurrentQueue<Attack> Attacks = new();

    public void Dispose()
    {
        if (!Attacks.IsEmpty)
        {
            Report.Write("tenant-attacks.txt", Table([.. Attacks.OrderBy(a => a.Way, StringComparer.Ordinal)]));
        }
    }

    /// <summary>Notes the attacks of a test and fails it when one of them got through.</summary>
    internal static void Record(IReadOnlyCollection<Attack> attacks)
    {
        foreach (var attack in attacks)
        {
            Attacks.Enqueue(attack);
        }

        TestContext.Current.TestOutputHelper?.WriteLine(Table(attacks));
        Assert.DoesNotContain(attacks, attack => !attack.IsRefused);
    }

    private static string Table(IReadOnlyCollection<Attack> attacks)
    {
        const int MaxAnswer = 60;
        const int MaxName = 120;
        var rows = attacks
            .Select(a => (Verdict: a.IsRefused ? "refused" : "THROUGH", a.Way, Answer: Cut(a.Answer, MaxAnswer), Name: Cut(a.Name, MaxName)))
            .ToList();
        var (way, answer) = (rows.Max(r => r.Way.Length), rows.Max(r => r.Answer.Length));
        return string.Concat(rows.Select(r => $"{r.Verdict}  {r.Way.PadRight(way)}  {r.Answer.PadRight(answer)}  {r.Name}\n"));
    }

    private static string Cut(string text, int most) => text.Length <= most ? text : $"{text[..(most - 1)]}…";
}

/// <summary>One attempt to reach what is another tenant's, and what came of it.</summary>
/// <param name="Way">Through what.</param>
/// <param name="Name">What was tried.</param>
/// <param name="Answer">What came back.</param>
/// <param name="IsRefused">Whether it got nothing and changed nothing.</param>
internal sealed record Attack(string Way, string Name, string Answer, bool IsRefused);
