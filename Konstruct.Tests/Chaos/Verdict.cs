using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Chaos;

/// <summary>
/// One pass over what clients asked, what they were told and what is stored. The promise is that of docs/design/reliability.md: a fault may
/// cost an attempt and, with the last attempt, a turn's completion. It never costs a message, a row, a chunk's place, or the agreement between
/// what is told and what is stored.
/// </summary>
/// <param name="asked">Every message that a client sent.</param>
/// <param name="told">What each client was told of each turn.</param>
/// <param name="stored">What Postgres has.</param>
/// <param name="reasons">Why gateways failed turns, as their logs say.</param>
internal sealed class Verdict(
    IReadOnlyList<AskedMessage> asked,
    IReadOnlyList<ToldTurn> told,
    IReadOnlyList<StoredTurn> stored,
    IReadOnlyDictionary<Guid, string> reasons
)
{
    /// <summary>The last attempt was lost, perhaps before it was open, so that the row has the one before. Or Redis lost the log of an answer that ended.</summary>
    private static readonly string[] Causes = ["[332]", "[305]"];

    /// <summary>The attempts that a turn gets by default.</summary>
    private const int Attempts = 3;

    private readonly Dictionary<string, AskedMessage> _asked = asked.ToDictionary(message => message.Text);
    private readonly ILookup<Guid, StoredTurn> _byTurn = stored.ToLookup(turn => turn.TurnId);
    private readonly ILookup<string?, StoredTurn> _byQuestion = stored.ToLookup(turn => turn.Question);
    private readonly List<Violation> _violations = [];

    /// <summary>What is wrong; empty: every promise was kept.</summary>
    public IReadOnlyList<Violation> Check()
    {
        foreach (var turn in stored)
        {
            CheckStored(turn);
        }

        foreach (var twice in stored.Where(turn => turn.Question is not null).GroupBy(turn => turn.Question).Where(turns => turns.Count() > 1))
        {
            Add(Rule.EndedTwice, $"{twice.Count()} turns of one message: {string.Join("; ", twice.Select(Describe))}");
        }

        foreach (var one in told)
        {
            CheckTold(one);
        }

        return _violations;
    }

    private void CheckStored(StoredTurn turn)
    {
        if (turn.Question is not { } question || !_asked.TryGetValue(question, out var message))
        {
            Add(Rule.Stray, $"no client asked for {Describe(turn)}");
            return;
        }

        if ((turn.Tenant, turn.Conversation, turn.MessageId) != (message.Tenant, message.Conversation, message.MessageId))
        {
            Add(Rule.Stray, $"{message} was stored as {Describe(turn)}");
        }

        if (turn.IsRunning || turn.Endings.Count == 0)
        {
            Add(Rule.NotEnded, $"{(turn.IsRunning ? "still running" : "no end")}: {Describe(turn)}");
        }

        if (turn.Endings.Count > 1)
        {
            Add(Rule.EndedTwice, Describe(turn));
        }

        foreach (var ending in turn.Endings)
        {
            CheckEnding(turn, ending, message);
        }
    }

    private void CheckEnding(StoredTurn turn, TurnEnding ending, AskedMessage message)
    {
        var answer = Answers.Of(message.Text);
        if (ending.Status == "completed" ? ending.Text != answer || Fails(message.Text) : !IsStart(ending.Text!, answer))
        {
            Add(Rule.OtherText, $"expected {answer}\nstored {Describe(turn)}");
        }

        if (ending.Status == "cancelled" && message.Whim is not (Whim.Cancel or Whim.CancelAtOnce))
        {
            Add(Rule.ToldOtherwise, $"nobody cancelled {Describe(turn)}");
        }

        var reason = reasons.GetValueOrDefault(turn.TurnId, "");
        if (
            ending.Status == "failed"
            && !Fails(message.Text)
            && ending.Attempt < Attempts
            && !Array.Exists(Causes, cause => reason.StartsWith(cause, StringComparison.Ordinal))
        )
        {
            Add(Rule.FailedWithoutCause, $"'{reason}': {Describe(turn)}");
        }
    }

    private void CheckTold(ToldTurn one)
    {
        var turn = (
            one.TurnId is { } id ? _byTurn[id]
            : one.Message is null ? []
            : _byQuestion[one.Message]
        ).FirstOrDefault();
        if (turn is null)
        {
            if (one.IsAccepted)
            {
                Add(Rule.Lost, $"no row of {Describe(one)}");
            }
            else if (one.MustEnd)
            {
                Add(Rule.NotEnded, $"never accepted: {Describe(one)}");
            }

            return;
        }

        if (turn.Conversation != one.Conversation || (one.Message is { } message && turn.Question != message))
        {
            Add(Rule.Lost, $"told of another message: {Describe(one)}\nstored {Describe(turn)}");
        }

        CheckEnd(one, turn);
        CheckStream(one, turn);
    }

    private void CheckEnd(ToldTurn one, StoredTurn turn)
    {
        if (one.Ending is not { } told)
        {
            if (one.MustEnd)
            {
                Add(Rule.NotEnded, $"no end was told: {Describe(one)}\nstored {Describe(turn)}");
            }

            return;
        }

        if (!turn.Endings.Any(row => Agree(told, row)))
        {
            Add(Rule.ToldOtherwise, $"{Describe(one)}\nstored {Describe(turn)}");
        }
    }

    private void CheckStream(ToldTurn one, StoredTurn turn)
    {
        foreach (var gap in one.Gaps)
        {
            Add(Rule.Gap, $"{gap}: {Describe(one)}\nstored {Describe(turn)}");
        }

        foreach (var repetition in one.Repetitions)
        {
            Add(Rule.Repetition, $"{repetition}: {Describe(one)}\nstored {Describe(turn)}");
        }

        if (turn.Question is { } question && !IsStart(one.Streamed, Answers.Of(question)))
        {
            Add(Rule.OtherText, $"expected {Answers.Of(question)}\n{Describe(one)}\nstored {Describe(turn)}");
        }

        if (one is { MustBeWhole: true, Ending: { Status: "completed" or "cancelled", Text: { } text } } && one.Streamed != text)
        {
            Add(Rule.Gap, $"the end came without all chunks: {Describe(one)}\nstored {Describe(turn)}");
        }
    }

    /// <summary>What a client was not told agrees with everything.</summary>
    private static bool Agree(TurnEnding told, TurnEnding row) =>
        (told.Status is null ? row.Status != "failed" : told.Status == row.Status)
        && (told.Attempt is null || told.Attempt == row.Attempt)
        && (told.Text is null || told.Text == row.Text);

    private static bool IsStart(string text, string answer) => answer.StartsWith(text, StringComparison.Ordinal);

    private static bool Fails(string message) => message.StartsWith("/fail", StringComparison.Ordinal);

    private static string Describe(StoredTurn turn) =>
        $"turn {turn.TurnId} of tenant {turn.Tenant} in {turn.Conversation}, message {turn.MessageId} '{turn.Question}', running: {turn.IsRunning}, "
        + $"ends: [{string.Join("; ", turn.Endings)}]";

    private string Describe(ToldTurn one) =>
        $"{one.Client} of turn {one.TurnId} in {one.Conversation}, message '{one.Message}', streamed '{one.Streamed}', told {one.Ending}; "
        + $"did {_asked.GetValueOrDefault(one.Message ?? "")?.Whim}; frames: {one.Story}";

    private void Add(Rule rule, string text) => _violations.Add(new(rule, text));
}
