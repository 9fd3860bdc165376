using Konstruct.Contracts.Redis;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV2;
using Xunit;

namespace Konstruct.Tests.Python;

/// <summary>Real gateways, and workers in Python: clients see nothing of the difference.</summary>
[Collection<Sharing<PythonPipeline>>]
[Trait("Tier", "Long")]
public sealed class PythonWorkerTests(PythonPipeline fixture) : PipelineTests(fixture)
{
    private readonly Person _me = Person.New();
    private readonly Guid _conversation = Guid.NewGuid();

    [Theory]
    [InlineData("/stream tokens=20 rate=50 delay=0")]
    [InlineData("/burst 300")]
    [InlineData("/unicode rate=0 delay=0")]
    [InlineData("/empty")]
    [InlineData("/tiny 1000")]
    [InlineData("/giant 50000")]
    public async Task Version_1_streams_an_answer(string text)
    {
        await fixture.WorkerAsync();
        await using var chat = await OpenAsync(_me, _conversation);
        await chat.SayAsync(text);
        Assert.Equal(Answers.Of(text), (await chat.ReceiveTurnAsync()).AssertWhole(_conversation).Answer);
        await AssertStoredAsync(Answers.Of(text), "completed");
    }

    [Theory]
    [InlineData("/stream tokens=20 rate=50 delay=0")]
    [InlineData("/burst 300")]
    [InlineData("/unicode rate=0 delay=0")]
    public async Task Version_2_gets_every_token_byte_for_byte(string text)
    {
        await fixture.WorkerAsync();
        await using var chat = await OpenV2Async();
        await using var tab = (await RawChat.OpenV2Async(fixture.OtherGateway, _me, _conversation)).Chat;
        await chat.SayAsync(text, "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await tab.NextAsync("typing");
        var expected = Expected(text, turn, attempt: 1);
        Assert.Equal(expected, (await chat.ReadToAsync("done")).Select(frame => frame.Bytes));
        Assert.Equal(expected, (await tab.ReadToAsync("done")).Select(frame => frame.Bytes));
        await AssertNothingIsLeftAsync(turn);
    }

    [Theory]
    [InlineData("/fail 5", 5)]
    [InlineData("/giant 1000000", 0)]
    public async Task An_answer_that_fails_keeps_its_text(string text, int tokens)
    {
        await fixture.WorkerAsync();
        await using var chat = await OpenV2Async();
        await chat.SayAsync(text, "m");
        var done = (await chat.ReadToAsync("done"))[^1];
        Assert.Equal(("failed", string.Concat(Answers.TokensOf(text).Take(tokens))), (done.Reason, done.Text));
        await AssertStoredAsync(done.Text!, "failed");
        await AssertNothingIsLeftAsync(done.TurnId!.Value);
    }

    [Theory]
    [InlineData("/stream tokens=100000 rate=20 delay=0", true)]
    [InlineData("/silent", false)]
    public async Task Cancel_ends_a_turn_with_what_there_is(string text, bool streams)
    {
        var worker = await fixture.WorkerAsync();
        await using var chat = await OpenV2Async();
        await chat.SayAsync(text, "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        if (streams)
        {
            await chat.NextAsync("chunk");
        }
        else
        {
            await LeasedAsync(turn);
        }

        await chat.CancelTurnAsync(turn);
        var done = (await chat.ReadToAsync("done"))[^1];
        Assert.Equal("cancelled", done.Reason);
        await AssertStoredAsync(done.Text!, "cancelled");
        await AssertNothingIsLeftAsync(turn);
        await Until.TrueAsync(() => Task.FromResult(worker.Log.Contains($"Attempt 1 of turn {turn} was let go: ended", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_terminated_worker_finishes_what_it_has_and_claims_nothing_new()
    {
        const string text = "/stream tokens=40 rate=20 delay=0";
        var worker = await fixture.WorkerAsync();
        await using var chat = await OpenV2Async();
        await chat.SayAsync(text, "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await chat.NextAsync("chunk");
        var ending = worker.TerminateAsync();
        Assert.Equal(Expected(text, turn, attempt: 1).Skip(1), (await chat.ReadToAsync("done")).Select(frame => frame.Bytes));
        await ending;
        Assert.Equal(0, worker.ExitCode);

        await chat.SayAsync("/burst 3", "next");
        var next = (await chat.NextAsync("typing")).TurnId!.Value;
        await Until.TrueAsync(async () => await Pipeline.Redis.Database.SortedSetScoreAsync(RedisKeys.Queue, RedisKeys.Entry(next, 1)) is not null);
        await fixture.WorkerAsync();
        Assert.Equal(Expected("/burst 3", next, attempt: 1), (await chat.ReadToAsync("done")).Select(frame => frame.Bytes));
    }

    [Fact]
    public async Task What_a_terminated_worker_cannot_finish_in_time_goes_to_another()
    {
        const string text = "/stream tokens=60 rate=10 delay=0";
        await StopWorkerAsync();
        var worker = await fixture.StartWorkerAsync(new Dictionary<string, string> { ["Dispatch__DrainLimit"] = "00:00:00.2" });
        await using var chat = await OpenV2Async();
        await chat.SayAsync(text, "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await chat.NextAsync("chunk");
        await worker.TerminateAsync();
        Assert.Equal(0, worker.ExitCode);
        await fixture.StartWorkerAsync();
        await AssertSecondAttemptAsync(chat, text, turn);
    }

    [Fact]
    public async Task What_a_killed_worker_had_begun_begins_again_on_another()
    {
        const string text = "/stream tokens=20 rate=10 delay=0";
        await StopWorkerAsync();
        var worker = await fixture.StartWorkerAsync();
        await using var chat = await OpenV2Async();
        await chat.SayAsync(text, "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await chat.NextAsync("chunk");
        await worker.KillAsync();
        await fixture.StartWorkerAsync();
        await AssertSecondAttemptAsync(chat, text, turn);
    }

    [Fact]
    public async Task A_worker_that_stood_still_past_its_lease_writes_nothing_more()
    {
        const string text = "/stream tokens=30 rate=10 delay=0";
        await StopWorkerAsync();
        var worker = await fixture.StartWorkerAsync();
        await using var chat = await OpenV2Async();
        await chat.SayAsync(text, "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await chat.NextAsync("chunk");
        worker.Stall();
        await fixture.StartWorkerAsync();
        await chat.ReadToAsync("reset");
        worker.Resume();
        Assert.Equal(Expected(text, turn, attempt: 2), (await chat.ReadToAsync("done")).Select(frame => frame.Bytes));
        await Until.TrueAsync(() => Task.FromResult(worker.Log.Contains($"Attempt 1 of turn {turn} was let go: lost", StringComparison.Ordinal)));
        await AssertStoredAsync(Answers.Of(text), "completed");
        await worker.TerminateAsync();
    }

    public override ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result is TestResult.Failed)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(fixture.WorkerLogs);
        }

        return base.DisposeAsync();
    }

    private async Task<RawChat> OpenV2Async() => (await RawChat.OpenV2Async(Gateway, _me, _conversation)).Chat;

    private async Task StopWorkerAsync() => await (await fixture.WorkerAsync()).KillAsync();

    private async Task LeasedAsync(Guid turn) =>
        await Until.TrueAsync(async () => await Pipeline.Redis.Database.SortedSetScoreAsync(RedisKeys.Leases, RedisKeys.Entry(turn, 1)) is not null);

    private IEnumerable<string> Expected(string text, Guid turn, int attempt) =>
        Answers
            .TokensOf(text)
            .Select((token, i) => Frames2.Chunk(token, turn, attempt, i + 1))
            .Append(Frames2.Done(Answers.Of(text), _conversation, turn, attempt, "completed"));

    private async Task AssertSecondAttemptAsync(RawChat chat, string text, Guid turn)
    {
        Assert.Equal(Frames2.Reset(turn, 2), (await chat.ReadToAsync("reset"))[^1].Bytes);
        Assert.Equal(Expected(text, turn, attempt: 2), (await chat.ReadToAsync("done")).Select(frame => frame.Bytes));
        await AssertStoredAsync(Answers.Of(text), "completed");
        await AssertNothingIsLeftAsync(turn);
    }

    private async Task AssertStoredAsync(string answer, string status)
    {
        var row = Assert.Single(await AnsweredAsync(_conversation), message => message.Role == "assistant");
        Assert.Equal((answer, status), (row.Content, row.Status));
    }

    private Task AssertNothingIsLeftAsync(Guid turn) =>
        Until.TrueAsync(async () =>
            !(await Pipeline.Redis.DispatchedAsync()).Any(line => line.Contains($"{turn}", StringComparison.Ordinal))
            && !await Pipeline.Redis.Database.HashExistsAsync(RedisKeys.Tasks, RedisKeys.Entry(turn, 1))
        );
}
