using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Tests.Harness;
using Konstruct.Tests.Streaming;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Konstruct.Tests.Turns;

/// <summary>A gateway whose clock is wrong, on a real redis-server: rounds of the sweep are in the test's hands.</summary>
public sealed class GatewayAhead(DatabaseFactory databases) : GatewayInside(databases)
{
    private protected override RedisKind Kind => RedisKind.Redis;

    private protected override void Configure(WebApplicationBuilder builder)
    {
        builder.Configuration["Chat:TurnSilenceLimit"] = "00:00:20";
        builder.Configuration["Chat:TurnLimit"] = "1.00:00:00";
        builder.Services.AddSingleton<TimeProvider>(new MinuteAhead());
    }

    /// <summary>Its stopwatch is right: that has no time of day.</summary>
    private sealed class MinuteAhead : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromMinutes(1);
    }
}

/// <summary>
/// Silence is measured by one clock. A gateway whose clock was a minute ahead of Redis's failed turns whose chunks were flowing, on whatever gateway they had begun.
/// </summary>
public sealed class ClockTests(GatewayAhead gateway) : IClassFixture<GatewayAhead>
{
    [Fact]
    public async Task A_gateway_a_minute_ahead_lets_a_turn_be_whose_chunks_flow()
    {
        var key = await RunningAsync();
        await AppendAsync(key, 1);
        await gateway.Sweeper.SweepAsync(TestContext.Current.CancellationToken);
        Assert.Equal("pending", await StatusAsync(key));
        Assert.InRange((await gateway.Log.ReadStateAsync(key.ConversationId, key.TurnId)).Silence!.Value.TotalSeconds, 0, 5);
    }

    [Fact]
    public async Task A_turn_that_is_silent_by_Rediss_clock_is_failed()
    {
        var key = await RunningAsync();
        await AppendAsync(key, 1);
        await gateway.Redis.HashDecrementAsync(RedisKeys.Turn(key.ConversationId, key.TurnId), "at", 60);
        await gateway.Sweeper.SweepAsync(TestContext.Current.CancellationToken);
        Assert.Equal("failed", await StatusAsync(key));
    }

    [Fact]
    public async Task A_turn_without_a_chunk_is_as_silent_as_it_is_old_by_Postgress_clock()
    {
        var key = await RunningAsync();
        await gateway.Sweeper.SweepAsync(TestContext.Current.CancellationToken);
        Assert.Equal("failed", await StatusAsync(key));
    }

    /// <summary>The channel is a shortcut: a chunk that it did not bring is a sign of life all the same.</summary>
    [Fact]
    public async Task A_chunk_that_only_the_log_has_is_a_sign_of_life()
    {
        var key = await RunningAsync();
        var time = gateway.Get<TimeProvider>();
        var feed = gateway.Feed(new(Guid.NewGuid(), key.ConversationId));
        var turn = new Gateway.Streaming.Turn(key.TurnId) { LastSignAt = time.GetTimestamp() - (100 * time.TimestampFrequency) };
        await feed.CompareAsync(turn);
        Assert.InRange(time.GetElapsedTime(turn.LastSignAt).TotalSeconds, 99, 130);
        await AppendAsync(key, 1);
        await feed.CompareAsync(turn);
        Assert.InRange(time.GetElapsedTime(turn.LastSignAt).TotalSeconds, 0, 10);
    }

    /// <summary>A turn of an hour ago that a worker has opened and holds the lease of.</summary>
    private async Task<AttemptKey> RunningAsync()
    {
        var (conversation, turnId) = await gateway.AcceptAsync();
        await gateway.Sql.ExecuteAsync($"UPDATE web_turns SET created_at = created_at - interval '1 hour' WHERE turn_id = '{turnId}'");
        var key = new AttemptKey(conversation.ConversationId, turnId, 1, gateway.Feeds.ChannelOf(conversation));
        await gateway.Redis.SortedSetAddAsync(RedisKeys.Leases, key.Entry, DateTimeOffset.UtcNow.AddMinutes(1).ToUnixTimeMilliseconds());
        Assert.Equal(LogWrite.Written, await gateway.Log.OpenAsync(key, "claim"));
        Assert.Equal([DispatchState.Held], await gateway.Queue.InspectAsync([key.Entry]));
        return key;
    }

    private async Task AppendAsync(AttemptKey key, int seq) =>
        Assert.Equal(LogWrite.Written, await gateway.Log.AppendAsync(key, "claim", seq, [StreamEvent.Chunk("a", key.TurnId, 1, seq)], 1_000));

    private async Task<string> StatusAsync(AttemptKey key) =>
        (await gateway.Sql.MessagesAsync(key.ConversationId)).Single(message => message.Role == "assistant").Status;
}
