using Konstruct.Contracts.Redis;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using StackExchange.Redis;
using Xunit;

namespace Konstruct.Tests.Turns;

/// <summary>
/// What nobody can read in the dispatch slot. One such lease ended every gateway within seconds, and again after each restart; one in the queue did when its lease
/// had run out.
/// </summary>
public abstract class DeadLetterTests(FaultyPipeline fixture) : PipelineTests(fixture)
{
    private static readonly RedisKey Dead = "{dispatch}:dead";

    private readonly string _entry = $"{Guid.CreateVersion7()}:1";

    [Theory]
    [InlineData("""{"task":"add"}""")]
    [InlineData("not even JSON")]
    [InlineData("null")]
    [InlineData("")]
    public async Task A_lease_of_a_task_that_nobody_can_read_is_put_aside(string payload)
    {
        if (payload.Length > 0)
        {
            await Pipeline.Redis.Database.HashSetAsync(RedisKeys.Tasks, _entry, payload);
        }

        await Pipeline.Redis.Database.SortedSetAddAsync(RedisKeys.Leases, _entry, 1);
        await AssertBuriedAsync(payload);
    }

    [Fact]
    public async Task What_was_answered_and_cannot_be_read_is_put_aside()
    {
        await Pipeline.Redis.Database.HashSetAsync(RedisKeys.Tasks, _entry, """{"task":"add"}""");
        await Pipeline.Redis.Database.SortedSetAddAsync(RedisKeys.Answered, _entry, 1);
        await AssertBuriedAsync("""{"task":"add"}""");
    }

    [Theory]
    [InlineData("""{"task":"add"}""")]
    [InlineData("")]
    public async Task A_queued_task_that_nobody_can_read_is_put_aside_by_the_worker(string payload)
    {
        if (payload.Length > 0)
        {
            await Pipeline.Redis.Database.HashSetAsync(RedisKeys.Tasks, _entry, payload);
        }

        await Pipeline.Redis.Database.SortedSetAddAsync(RedisKeys.Queue, _entry, 1);
        await AssertBuriedAsync(payload);
    }

    [Fact]
    public async Task An_entry_whose_task_is_another_turns_is_put_aside()
    {
        var (person, conversation) = (Person.New(), Guid.NewGuid());
        await using var chat = await OpenAsync(person, conversation);
        await chat.SayAsync("/stream tokens=100 rate=20 delay=0");
        var payload = await Until.NotNullAsync(async () =>
            (await Pipeline.Redis.ValuesAsync("{dispatch}:tasks")).FirstOrDefault(task => task.Contains($"{conversation}", StringComparison.Ordinal))
        );
        await Pipeline.Redis.Database.HashSetAsync(RedisKeys.Tasks, _entry, payload);
        await Pipeline.Redis.Database.SortedSetAddAsync(RedisKeys.Queue, _entry, 1);
        await AssertBuriedAsync(payload[..100]);
    }

    [Fact]
    public async Task The_list_keeps_the_last_thousand()
    {
        await Pipeline.Redis.Database.ListLeftPushAsync(Dead, [.. Enumerable.Range(0, 1_200).Select(i => (RedisValue)$"{i}")]);
        await Pipeline.Redis.Database.SortedSetAddAsync(RedisKeys.Queue, _entry, 1);
        await AssertBuriedAsync("");
        Assert.Equal(1_000, await Pipeline.Redis.Database.ListLengthAsync(Dead));
    }

    /// <summary>It is in the list once, and nowhere else; whoever found it lives and serves.</summary>
    private async Task AssertBuriedAsync(string payload)
    {
        await Until.TrueAsync(async () =>
        {
            Assert.Equal((false, false), (Gateway.HasEnded, Pipeline.Worker.HasEnded));
            return (await BuriedAsync()).Length > 0;
        });
        using var letter = System.Text.Json.JsonDocument.Parse(Assert.Single(await BuriedAsync()));
        Assert.StartsWith(payload, letter.RootElement.GetProperty("payload").GetString(), StringComparison.Ordinal);
        Assert.NotEmpty(letter.RootElement.GetProperty("reason").GetString()!);
        Assert.InRange(letter.RootElement.GetProperty("at").GetInt64(), 1_700_000_000, 5_000_000_000);
        Assert.DoesNotContain(await Pipeline.Redis.DispatchedAsync(), line => line.Contains(_entry, StringComparison.Ordinal));
        Assert.False(await Pipeline.Redis.Database.HashExistsAsync(RedisKeys.Tasks, _entry));

        var conversation = Guid.NewGuid();
        await using var chat = await OpenAsync(Person.New(), conversation);
        await chat.SayAsync("/burst 1");
        (await chat.ReceiveTurnAsync()).AssertWhole(conversation);
    }

    private async Task<string[]> BuriedAsync() =>
        [
            .. (await Pipeline.Redis.Database.ListRangeAsync(Dead))
                .Select(letter => (string)letter!)
                .Where(letter => letter.Contains(_entry, StringComparison.Ordinal)),
        ];
}

[Collection<Sharing<FaultyPipeline<OnGarnet>>>]
public sealed class DeadLettersOnGarnet(FaultyPipeline<OnGarnet> fixture) : DeadLetterTests(fixture);

[Collection<Sharing<FaultyPipeline<OnRedis>>>]
public sealed class DeadLettersOnRedis(FaultyPipeline<OnRedis> fixture) : DeadLetterTests(fixture);
