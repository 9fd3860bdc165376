using StackExchange.Redis;

namespace Konstruct.Contracts.Redis;

/// <summary>
/// Tries each kind of Redis operation once, with the names that a service uses. A server that answers a ping may still refuse a script, a
/// channel or a write. The trial's keys belong to a conversation that does not exist, and expire after a second or a minute.
/// </summary>
public sealed class RedisTrial(IConnectionMultiplexer redis, ResponseChannel responses)
{
    /// <summary>Time-out for the trial's own payload to arrive.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private readonly Guid _tenantId = Guid.NewGuid();
    private readonly Guid _conversationId = Guid.NewGuid();

    /// <summary>The response channel of a conversation that does not exist.</summary>
    public RedisChannel Response => responses.For(_tenantId, _conversationId);

    /// <summary>A tenant and a conversation that do not exist.</summary>
    public (Guid TenantId, Guid ConversationId) Ids => (_tenantId, _conversationId);

    /// <summary>Tries the operations that gateway and orchestrator share, then those of one of them.</summary>
    /// <param name="listen">The channel that the service subscribes to.</param>
    /// <param name="more">Further operations, each with a description that completes "Redis refuses to …".</param>
    /// <returns>Null: everything works. Otherwise a sentence about what does not, without secrets.</returns>
    public async Task<string?> RunAsync(RedisChannel listen, params (string What, Func<IDatabase, Task> TryAsync)[] more)
    {
        var heard = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var subscriber = redis.GetSubscriber();
        var step = "answer";
        try
        {
            await redis.GetDatabase().PingAsync();
            step = $"SUBSCRIBE to channels such as '{listen}'";
            await subscriber.SubscribeAsync(listen, OnHeard);
            foreach (var (what, tryAsync) in Steps().Concat(more))
            {
                step = what;
                await tryAsync(redis.GetDatabase());
            }

            step = $"bring what is published on '{listen}' to its subscribers";
            await heard.Task.WaitAsync(Longest);
            return null;
        }
        catch (RedisServerException exception)
        {
            var advice = IsDenied(exception) ? " Give the user of ConnectionStrings:redis the rights that docs/guide/stores.md lists." : "";
            return $"Redis refuses to {step}: {exception.Message}{advice}";
        }
        catch (RedisConnectionException exception) when (exception.FailureType == ConnectionFailureType.AuthenticationFailure)
        {
            return "Redis refuses the password of ConnectionStrings:redis, or its user.";
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException)
        {
            return step == "answer" ? "Redis (ConnectionStrings:redis) does not answer." : $"Redis (ConnectionStrings:redis) did not {step} in time.";
        }
        finally
        {
            await subscriber.UnsubscribeAsync(listen, OnHeard, CommandFlags.FireAndForget);
        }

        void OnHeard(RedisChannel channel, RedisValue payload) => heard.TrySetResult();
    }

    /// <summary>Whether Redis denies a right. The error of a script has other words than that of a command.</summary>
    private static bool IsDenied(RedisServerException exception) =>
        exception.Message.Contains("NOPERM", StringComparison.Ordinal)
        || exception.Message.Contains("user executing the script", StringComparison.Ordinal);

    private IEnumerable<(string What, Func<IDatabase, Task> TryAsync)> Steps()
    {
        var turnId = Guid.NewGuid();
        var (turn, log) = (RedisKeys.Turn(_conversationId, turnId), RedisKeys.Log(_conversationId, turnId, 1));
        yield return (
            $"run a script (EVALSHA) that writes keys such as '{{conversation}}:turn:…' and publishes on '{Response}', '{RedisKeys.Wake}' and '{RedisKeys.Stop}'",
            database =>
                Script.TryTurn.RunUntracedAsync(database, [turn, log], [Response.ToString(), RedisKeys.Wake.ToString(), RedisKeys.Stop.ToString()])
        );
        yield return (
            "run a script (EVALSHA) that writes the keys '{dispatch}:*'",
            database =>
                Script.TryDispatch.RunUntracedAsync(
                    database,
                    [RedisKeys.Queue, RedisKeys.Tasks, RedisKeys.Leases, RedisKeys.Answered],
                    [RedisKeys.Entry(turnId, 0)]
                )
        );
    }
}
