using Konstruct.Tests.Harness;

namespace Konstruct.Tests.ProtocolV2;

/// <summary>Two gateways and a worker on the same stores.</summary>
public abstract class ReplicatedPipeline(DatabaseFactory databases) : PipelineFixture(databases)
{
    private protected override bool HasOtherGateway => true;

    private protected override Dictionary<string, string> Settings =>
        new()
        {
            ["Chat__CreateMissingConversations"] = "true",
            ["Chat__SweepInterval"] = "00:00:00.5",
            ["Chat__SweepAge"] = "00:00:01",
            ["Dispatch__MaxAnswerBytes"] = "200000",
        };
}

/// <inheritdoc cref="ReplicatedPipeline"/>
public sealed class ReplicatedPipeline<TRedis>(DatabaseFactory databases) : ReplicatedPipeline(databases)
    where TRedis : IRedisKind
{
    private protected override RedisKind Redis => TRedis.Kind;
}

/// <summary>Two workers, too, and a balancer: a client that comes back comes back to either gateway.</summary>
public sealed class ReplicatedPipelineBehindBalancer(DatabaseFactory databases) : ReplicatedPipeline(databases)
{
    private protected override int Workers => 2;

    private protected override bool IsBalanced => true;
}

/// <summary>Deployed as in production: unknown conversations are refused. No worker: an orchestrator that knows nothing of turns answers.</summary>
public sealed class StrictPipeline(DatabaseFactory databases) : PipelineFixture(databases)
{
    private protected override int Workers => 0;

    private protected override Dictionary<string, string> Settings =>
        new() { ["Chat__CreateMissingConversations"] = "false", ["Chat__MaxQueuedFrames"] = "64" };
}
