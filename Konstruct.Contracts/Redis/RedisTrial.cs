using StackExchange.Redis;

namespace Konstruct.Contracts.Redis;

/// <summary>
/// Does once, in names as a service uses them, each kind of thing that it needs Redis for: a server that answers a ping may still refuse a script, a channel or a write. What it
/// writes is of a conversation that does not exist, and is gone after a second or a minute.
/// </summary>
public sealed class RedisTrial(IConnectionMultiplexer redis, ResponseChannel responses)
{
    /// <summary>How long the trial's own payload may take to come back.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private readonly Guid _tenantId = Guid.NewGuid();
    private readonly Guid _conversationId = Guid.NewGuid();

    /// <summary>Tries what a gateway and an orchestrator both do, then what one of them does besides.</summary>
    /// <param name="listen">The channel that the service subscribes to.</param>
    /// <param name="more">Further things to try, each with what it is, as in "Redis refuses to …".</param>
    /// <returns>Null: all of it works. Otherwise a sentence that says what does not, and holds no secret.</returns>
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
            return $"Redis refuses to {step}: {exception.Message}{(IsDenied(exception) ? " Give the user of ConnectionStrings:redis the rights that docs/guide/stores.md lists." : "")}";
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

    /// <summary>Whether it is a matter of rights, which a script's error says in other words than a command's.</summary>
    private static bool IsDenied(RedisServerException exception) =>
        exception.Message.Contains("NOPERM", StringComparison.Ordinal) || exception.Message.Contains("user executing the script", StringComparison.Ordinal);

    /// <summary>A channel of the kind on which answers are published, of a conversation that does not exist.</summary>
    public RedisChannel Response => responses.For(_tenantId, _conversationId);

    /// <summary>The tenant and the conversation that do not exist.</summary>
    public (Guid TenantId, Guid ConversationId) Nobody => (_tenantId, _conversationId);

    private IEnumerable<(string What, Func<IDatabase, Task> TryAsync)> Steps()
    {
        var turnId = Guid.NewGuid();
        var (turn, log) = (RedisKeys.Turn(_conversationId, turnId), RedisKeys.Log(_conversationId, turnId, 1));
        yield return (
            $"run a script (EVALSHA) that writes keys such as '{{conversation}}:turn:…' and publishes on '{Response}', '{RedisKeys.Wake}' and '{RedisKeys.Stop}'",
            database => Script.TryTurn.RunUntracedAsync(database, [turn, log], [Response.ToString(), RedisKeys.Wake.ToString(), RedisKeys.Stop.ToString()]));
        yield return (
            "run a script (EVALSHA) that writes the keys '{dispatch}:*'",
            database => Script.TryDispatch.RunUntracedAsync(
                database, [RedisKeys.Queue, RedisKeys.Tasks, RedisKeys.Leases, RedisKeys.Answered], [RedisKeys.Entry(turnId, 0)]));
    }
}
