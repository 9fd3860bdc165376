using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Chaos;

/// <summary>The check finds each kind of broken promise, and nothing in a run that kept them.</summary>
public sealed class VerdictTests
{
    private const string Question = "/stream tokens=6 rate=10 delay=0 said one in run 1 as number 1";

    private static readonly string Answer = Answers.Of(Question);

    private readonly AskedMessage _asked = new(Guid.NewGuid(), Guid.NewGuid(), Question, "m1");
    private readonly StoredTurn _stored;
    private readonly ToldTurn _told;

    public VerdictTests()
    {
        var ending = new TurnEnding("completed", 1, Answer);
        _stored = new(Guid.NewGuid(), _asked.Tenant, _asked.Conversation, Question, "m1", IsRunning: false, [ending]);
        _told = new("one", _asked.Conversation, Question, _stored.TurnId, IsAccepted: true, Answer, ending) { MustEnd = true, MustBeWhole = true };
    }

    private static TurnEnding Cancelled => new("cancelled", 1, Answers.TokensOf(Question)[0]);

    private ToldTurn Old => new("old", _asked.Conversation, Question, null, IsAccepted: true, Answer, new(null, null, Answer));

    [Fact]
    public void A_run_that_kept_every_promise_is_clean() => Assert.Empty(Check([_told, Old], _stored));

    [Fact]
    public void What_was_not_accepted_need_not_be_stored() => Assert.Empty(Check([Old with { IsAccepted = false, Ending = null, Streamed = "" }]));

    [Fact]
    public void An_accepted_message_without_a_row() => AssertFinds(Rule.Lost, [_told]);

    [Fact]
    public void A_turn_of_another_message() => AssertFinds(Rule.Lost, [_told], _stored with { Question = "/burst 1", MessageId = "m2" });

    [Fact]
    public void A_turn_that_runs_for_ever() =>
        AssertFinds(Rule.NotEnded, [_told with { Ending = null }], _stored with { IsRunning = true, Endings = [] });

    [Fact]
    public void An_end_that_was_not_told() => AssertFinds(Rule.NotEnded, [_told with { Ending = null }], _stored);

    [Fact]
    public void A_message_that_was_never_accepted() =>
        AssertFinds(Rule.NotEnded, [_told with { TurnId = null, IsAccepted = false, Ending = null, Streamed = "" }]);

    [Fact]
    public void Two_turns_of_one_message() => AssertFinds(Rule.EndedTwice, [_told], _stored, _stored with { TurnId = Guid.NewGuid() });

    [Fact]
    public void Two_ends_of_one_turn() => AssertFinds(Rule.EndedTwice, [_told], _stored with { Endings = [_stored.Endings[0], Cancelled] });

    [Fact]
    public void Another_end_than_the_stored_one() => AssertFinds(Rule.ToldOtherwise, [_told with { Ending = Cancelled }], _stored);

    [Fact]
    public void Another_attempt_than_the_stored_one() =>
        AssertFinds(Rule.ToldOtherwise, [_told with { Ending = _told.Ending! with { Attempt = 2 } }], _stored);

    [Fact]
    public void Another_text_than_the_stored_one_in_version_1() =>
        AssertFinds(Rule.ToldOtherwise, [Old with { Ending = new(null, null, "the ") }], _stored);

    [Fact]
    public void A_failure_that_is_none_in_version_1() => AssertFinds(Rule.ToldOtherwise, [Old with { Ending = new("failed", null, null) }], _stored);

    [Fact]
    public void A_cancel_that_nobody_asked_for() => AssertFinds(Rule.ToldOtherwise, [], _stored with { Endings = [Cancelled] });

    [Fact]
    public void A_missing_chunk() => AssertFinds(Rule.Gap, [_told with { Gaps = ["seq 2 to 3"] }], _stored);

    [Fact]
    public void An_end_without_its_last_chunks() => AssertFinds(Rule.Gap, [_told with { Streamed = Answers.TokensOf(Question)[0] }], _stored);

    [Fact]
    public void A_chunk_that_came_again() => AssertFinds(Rule.Repetition, [_told with { Repetitions = ["seq 2 after the end"] }], _stored);

    [Fact]
    public void Text_of_another_turn_in_a_stream() => AssertFinds(Rule.OtherText, [Old with { Streamed = Answer + "the " }], _stored);

    [Fact]
    public void Text_of_another_turn_in_a_row() =>
        AssertFinds(Rule.OtherText, [], _stored with { Endings = [new("completed", 1, Answers.Of("/burst 3"))] });

    [Fact]
    public void A_completed_answer_that_is_cut_short() =>
        AssertFinds(Rule.OtherText, [], _stored with { Endings = [new("completed", 1, Answers.TokensOf(Question)[0])] });

    [Fact]
    public void A_turn_that_failed_with_attempts_left() =>
        AssertFinds(Rule.FailedWithoutCause, [], _stored with { Endings = [new("failed", 2, "")] });

    [Fact]
    public void A_turn_that_failed_with_none_left() => Assert.Empty(Check([], _stored with { Endings = [new("failed", 3, "")] }));

    /// <summary>The last attempt was never opened: the row has the attempt whose text it has.</summary>
    [Theory]
    [InlineData("[332] Turn … is failed: attempt 3 was the last", false)]
    [InlineData("[333] Turn … is failed: nobody answered in time", true)]
    public void A_turn_that_failed_in_the_attempt_before_the_last(string reason, bool isWrong) =>
        Assert.Equal(
            isWrong,
            Check([], reason, _stored with { Endings = [new("failed", 2, "")] }).Any(violation => violation.Rule == Rule.FailedWithoutCause)
        );

    [Fact]
    public void A_row_that_nobody_asked_for() =>
        AssertFinds(Rule.Stray, [], _stored, _stored with { TurnId = Guid.NewGuid(), Question = "/burst 1" });

    [Fact]
    public void An_answer_without_a_question() => AssertFinds(Rule.Stray, [], _stored, _stored with { TurnId = Guid.NewGuid(), Question = null });

    [Fact]
    public void A_row_of_another_tenant() => AssertFinds(Rule.Stray, [], _stored with { Tenant = Guid.NewGuid() });

    private IReadOnlyList<Violation> Check(IReadOnlyList<ToldTurn> told, params IReadOnlyList<StoredTurn> stored) => Check(told, "", stored);

    private IReadOnlyList<Violation> Check(IReadOnlyList<ToldTurn> told, string reason, params IReadOnlyList<StoredTurn> stored) =>
        new Verdict([_asked], told, stored, new Dictionary<Guid, string> { [_stored.TurnId] = reason }).Check();

    private void AssertFinds(Rule rule, IReadOnlyList<ToldTurn> told, params IReadOnlyList<StoredTurn> stored) =>
        Assert.Contains(Check(told, stored), violation => violation.Rule == rule);
}
