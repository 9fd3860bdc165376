using System.Text;
using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Konstruct.Tests.Streaming;
using StackExchange.Redis;
using Xunit;

namespace Konstruct.Tests.ProtocolV2;

/// <summary>
/// A worker that cuts an answer by bytes, and does not use our library. Half a UTF-8 sequence went to v2 as it was: its client closed, came back, resumed, and
/// got it again. <see cref="RawChat"/> reads strictly, as a browser does.
/// </summary>
[Collection<Sharing<LegacyPipeline<OnGarnet>>>]
public sealed class InvalidTextTests(LegacyPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    private readonly Person _person = Person.New();
    private readonly Guid _conversation = Guid.NewGuid();

    private DispatchQueue Queue => new(Pipeline.Redis.Database.Multiplexer);

    private TurnLog Log => new(Pipeline.Redis.Database.Multiplexer);

    [Fact]
    public async Task Half_a_sequence_is_repaired_live_in_a_replay_in_done_and_in_Postgres()
    {
        var (chat, _) = await RawChat.OpenV2Async(Gateway, _person, _conversation);
        await chat.SayAsync("hello", "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        var attempt = await ClaimAsync(turn);

        await AppendAsync(attempt, InvalidText.Chunk(turn, 1));
        await AppendAsync(attempt, Encoding.UTF8.GetBytes($$"""{"type":"chunk","text":"pair \ud83d","turn_id":"{{turn}}","attempt":1,"seq":2}"""));
        var live = new[] { await chat.NextAsync("chunk"), await chat.NextAsync("chunk") };
        Assert.Equal([InvalidText.Repaired, "pair \uFFFD"], live.Select(chunk => chunk.Text));
        Assert.Equal([1, 2], live.Select(chunk => chunk.Seq));

        var (tab, ready) = await RawChat.OpenV2Async(Gateway, _person, _conversation);
        Assert.Equal((turn, 1, 2), Assert.Single(ready.Active));
        await tab.ResumeAsync(turn, 1, 0);
        Assert.Equal(live.Select(chunk => chunk.Bytes), [(await tab.NextAsync("chunk")).Bytes, (await tab.NextAsync("chunk")).Bytes]);

        await PublishAsync(InvalidText.Cut($$"""{"type":"done","text":"whole ~","turn_id":"{{turn}}","attempt":1,"seq":3,"reason":"completed"}"""));
        Assert.Equal("whole \uFFFD", (await chat.NextAsync("done")).Text);
        Assert.Equal("whole \uFFFD", (await tab.NextAsync("done")).Text);
        Assert.Equal("whole \uFFFD", (await AnsweredAsync(_conversation))[1].Content);
        await chat.DisposeAsync();
        await tab.DisposeAsync();
    }

    [Fact]
    public async Task Version_1_likewise_also_from_an_orchestrator_of_the_original_kind()
    {
        await using var chat = await OpenAsync(_person, _conversation);
        await chat.SayAsync("hello");
        await chat.ExpectAsync(Frames.Typing);
        await new LegacyOrchestrator(Pipeline, _person, _conversation).TaskAsync();
        await PublishAsync(InvalidText.Cut("""{"type":"chunk","text":"half ~"}"""));
        await chat.ExpectAsync(Frames.Chunk(InvalidText.Repaired));
        await PublishAsync(InvalidText.Cut("""{"type":"done","text":"half ~"}"""));
        await chat.ExpectAsync(Frames.Done(InvalidText.Repaired, _conversation));
        Assert.Equal(InvalidText.Repaired, (await AnsweredAsync(_conversation))[1].Content);
    }

    private async Task<AttemptKey> ClaimAsync(Guid turn)
    {
        await Until.TrueAsync(async () => (await Queue.ClaimAsync(TimeSpan.FromMinutes(1), 100)).Any(task => task.Entry == RedisKeys.Entry(turn, 1)));
        var attempt = new AttemptKey(_conversation, turn, 1, RedisChannel.Literal(_person.ResponseChannel(_conversation)));
        await Log.OpenAsync(attempt, "claim");
        return attempt;
    }

    /// <summary>As the append script does, past the repair of our own library.</summary>
    private async Task AppendAsync(AttemptKey attempt, byte[] payload)
    {
        var seq = await Pipeline.Redis.Database.ListRightPushAsync(RedisKeys.Log(_conversation, attempt.TurnId, 1), payload);
        await Pipeline.Redis.Database.HashSetAsync(RedisKeys.Turn(_conversation, attempt.TurnId), "seq", seq);
        await PublishAsync(payload);
    }

    private async Task PublishAsync(byte[] payload) =>
        Assert.True(
            await Pipeline.Redis.PublishAsync(_person.ResponseChannel(_conversation), payload) > 0,
            "nobody is subscribed to the response channel"
        );
}
