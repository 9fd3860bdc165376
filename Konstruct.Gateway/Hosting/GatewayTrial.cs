using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Edge;
using Konstruct.Gateway.Turns;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Konstruct.Gateway.Hosting;

/// <summary>Tries the Redis operations of a gateway, with its own names, before the gateway is ready.</summary>
internal sealed class GatewayTrial(
    IConnectionMultiplexer redis,
    TurnLog log,
    DispatchQueue queue,
    MessageBucket bucket,
    ITurnDispatcher dispatcher,
    IOptions<ChatOptions> options
)
{
    private readonly RedisTrial _trial = new(redis, new(options.Value.ResponseChannel));

    /// <returns>Null: everything works. Otherwise an error sentence.</returns>
    public Task<string?> RunAsync()
    {
        var (tenantId, conversationId) = _trial.Ids;
        return _trial.RunAsync(
            _trial.Response,
            [.. Steps(tenantId, conversationId), .. dispatcher.Trials().Select(trial => (trial.What, (Func<IDatabase, Task>)(_ => trial.TryAsync())))]
        );
    }

    private (string What, Func<IDatabase, Task> TryAsync)[] Steps(Guid tenantId, Guid conversationId) =>
        [
            ("run a script (EVALSHA) that writes the keys 'bucket:*'", _ => bucket.TakeAsync(tenantId, Guid.NewGuid(), perMinute: 60, burst: 1)),
            ("read (HMGET) keys such as '{conversation}:turn:…'", _ => log.ReadStateAsync(conversationId, Guid.NewGuid())),
            ("read (LRANGE) keys such as '{conversation}:log:…'", _ => log.ReadAsync(conversationId, Guid.NewGuid(), attempt: 1, after: 0, most: 1)),
            (
                "SET keys such as '{dispatch}:cancelled:…'",
                _ => queue.RememberCancelAsync(RedisKeys.CancelledMessage(tenantId, Guid.NewGuid(), conversationId, "trial"))
            ),
        ];
}
