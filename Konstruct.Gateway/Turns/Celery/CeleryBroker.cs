using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Configuration;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Konstruct.Gateway.Turns.Celery;

/// <summary>Whether a turn's task was put on the Celery queue.</summary>
internal enum Sent
{
    /// <summary>The broker may have lost its data since the turn was accepted.</summary>
    Unknown = -1,

    /// <summary>It was not, whatever happened to the call.</summary>
    No = 0,

    /// <summary>It was. A worker may have taken it.</summary>
    Yes = 1,
}

/// <summary>
/// The Redis that Celery's workers take their tasks from. All calls throw <see cref="RedisException"/> or <see cref="TimeoutException"/> when it
/// cannot be reached, and can be repeated.
/// </summary>
/// <param name="redis">Its connection: the gateway's own, or that of the connection string <c>celery</c>.</param>
/// <param name="dispatch">The settings.</param>
/// <param name="chat">Limits of a turn.</param>
internal sealed class CeleryBroker(IConnectionMultiplexer redis, IOptions<DispatchOptions> dispatch, IOptions<ChatOptions> chat)
{
    private static readonly Script Publish = new("publish", typeof(CeleryBroker).Assembly);
    private static readonly Script SentScript = new("sent", typeof(CeleryBroker).Assembly);

    /// <summary>Kombu's priority steps; step n has its own list.</summary>
    private static readonly int[] Steps = [0, 3, 6, 9];

    private readonly RedisKey _list = ListOf(dispatch.Value.Celery);
    private readonly string _prefix = $"{{{ListOf(dispatch.Value.Celery)}}}:konstruct"; // The hash slot of the list.
    private readonly TimeSpan _kept = chat.Value.TurnLimit + chat.Value.TurnSilenceLimit + TimeSpan.FromHours(1);

    public bool IsConnected => redis.IsConnected;

    private IDatabase Database => redis.GetDatabase();

    /// <summary>The fanout exchange on which workers hear commands. Kombu's prefix names the database.</summary>
    private RedisChannel ControlChannel => RedisChannel.Literal($"/{Database.Database}.celery.pidbox");

    private RedisKey Since => $"{_prefix}:since";

    /// <summary>Puts a task on the queue, unless an earlier call for the same turn did.</summary>
    public Task PublishAsync(Guid turnId, ReadOnlyMemory<byte> message) =>
        Publish.RunAsync(Database, [_list, MarkOf(turnId), Since], [message, (long)_kept.TotalMilliseconds]);

    /// <summary>Whether the task of a turn of this age was put on the queue.</summary>
    public async Task<Sent> WasSentAsync(Guid turnId, TimeSpan age) =>
        (Sent)(int)await SentScript.RunAsync(Database, [MarkOf(turnId), Since], [(long)age.TotalMilliseconds]);

    /// <summary>
    /// Notes since when the broker has kept its data, where it has lost that: of turns that are accepted from now on it knows for sure whether their
    /// tasks were sent.
    /// </summary>
    public Task DateAsync() => WasSentAsync(Guid.Empty, TimeSpan.Zero);

    /// <summary>Removes a task from the queue. False: a worker has taken it.</summary>
    public async Task<bool> RemoveAsync(ReadOnlyMemory<byte> message) => await Database.ListRemoveAsync(_list, message, 1) > 0;

    /// <summary>Tells all workers to skip a task, now and when it is delivered again.</summary>
    public Task RevokeAsync(Guid turnId) => redis.GetSubscriber().PublishAsync(ControlChannel, CeleryMessage.Revoke(turnId));

    /// <summary>Tries each kind of operation once, with the names that are used.</summary>
    public async Task TryAsync()
    {
        await DateAsync();
        await RemoveAsync("trial"u8.ToArray());
        await redis.GetSubscriber().PublishAsync(ControlChannel, RedisValue.EmptyString); // Workers ignore an empty message.
    }

    /// <summary>Number of tasks that no worker has taken.</summary>
    public async Task<int> CountAsync() => (int)await Database.ListLengthAsync(_list);

    private RedisKey MarkOf(Guid turnId) => $"{_prefix}:sent:{turnId:D}";

    /// <summary>As in kombu: the list of a priority is the queue's name, a separator and the step; step 0 has the name alone.</summary>
    private static string ListOf(CeleryOptions options) =>
        Steps.Last(step => step <= options.Priority) is > 0 and var step ? $"{options.List}\u0006\u0016{step}" : options.List;
}
