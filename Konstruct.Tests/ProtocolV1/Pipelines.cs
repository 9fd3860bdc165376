using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.ProtocolV1;

/// <summary>One gateway and one worker with the limits that users meet, save those that a test of load would run into.</summary>
public abstract class UsualPipeline(DatabaseFactory databases) : PipelineFixture(databases)
{
    private protected override Dictionary<string, string> Settings =>
        new()
        {
            ["Chat__CreateMissingConversations"] = "true",
            // Twenty tabs may ask at once in one test; the default of 4 is tested with the other limits.
            ["Chat__MaxTurnsPerConversation"] = "20",
        };
}

/// <inheritdoc cref="UsualPipeline"/>
public sealed class UsualPipeline<TRedis>(DatabaseFactory databases) : UsualPipeline(databases)
    where TRedis : IRedisKind
{
    private protected override RedisKind Redis => TRedis.Kind;
}

/// <summary>Two gateways and two workers behind a balancer: no client knows where its socket is.</summary>
public sealed class UsualPipelineBehindBalancer(DatabaseFactory databases) : UsualPipeline(databases)
{
    private protected override int Workers => 2;

    private protected override bool IsBalanced => true;
}

/// <summary>No worker: the test is the orchestrator, one that knows only the original's two payloads.</summary>
public abstract class LegacyPipeline(DatabaseFactory databases) : PipelineFixture(databases)
{
    private protected override int Workers => 0;

    private protected override Dictionary<string, string> Settings => new() { ["Chat__CreateMissingConversations"] = "true" };
}

/// <inheritdoc cref="LegacyPipeline"/>
public sealed class LegacyPipeline<TRedis>(DatabaseFactory databases) : LegacyPipeline(databases)
    where TRedis : IRedisKind
{
    private protected override RedisKind Redis => TRedis.Kind;
}

/// <summary>Deadlines of seconds where the defaults are minutes.</summary>
public abstract class ImpatientPipeline(DatabaseFactory databases) : PipelineFixture(databases)
{
    public static readonly TimeSpan AuthDeadline = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan SilenceLimit = TimeSpan.FromSeconds(2);
    public static readonly TimeSpan TurnLimit = TimeSpan.FromSeconds(5);

    private protected override Dictionary<string, string> Settings =>
        new()
        {
            ["Chat__CreateMissingConversations"] = "true",
            ["Chat__AuthDeadline"] = $"{AuthDeadline}",
            ["Chat__TurnSilenceLimit"] = $"{SilenceLimit}",
            ["Chat__TurnLimit"] = $"{TurnLimit}",
            // Short, so that a silent worker's heartbeats come many times within the silence limit.
            ["Dispatch__Lease"] = "00:00:01",
        };
}

/// <inheritdoc cref="ImpatientPipeline"/>
public sealed class ImpatientPipeline<TRedis>(DatabaseFactory databases) : ImpatientPipeline(databases)
    where TRedis : IRedisKind
{
    private protected override RedisKind Redis => TRedis.Kind;
}

/// <summary>A thousand clients at once, alone on the machine: it must not share its two cores with another collection's deadlines.</summary>
public abstract class CrowdedPipeline(DatabaseFactory databases) : PipelineFixture(databases)
{
    private protected override Dictionary<string, string> Settings =>
        new()
        {
            ["Chat__CreateMissingConversations"] = "true",
            // The tests look for what is lost or mixed; on a slow machine the last of the crowd would be told to try again.
            ["Chat__StoreTimeout"] = "00:01:00",
        };
}

/// <inheritdoc cref="CrowdedPipeline"/>
public sealed class CrowdedPipeline<TRedis>(DatabaseFactory databases) : CrowdedPipeline(databases)
    where TRedis : IRedisKind
{
    private protected override RedisKind Redis => TRedis.Kind;
}

[CollectionDefinition(DisableParallelization = true)]
public sealed class CrowdedOnGarnet : ICollectionFixture<CrowdedPipeline<OnGarnet>>;

[CollectionDefinition(DisableParallelization = true)]
public sealed class CrowdedOnRedis : ICollectionFixture<CrowdedPipeline<OnRedis>>;

/// <summary>Its stores and processes are killed; leases and sweeps are short, so that the repair does not take a test's patience.</summary>
public abstract class FaultyPipeline(DatabaseFactory databases) : PipelineFixture(databases)
{
    private protected override Dictionary<string, string> Settings =>
        new()
        {
            ["Chat__CreateMissingConversations"] = "true",
            ["Chat__SweepInterval"] = "00:00:00.5",
            ["Chat__SweepAge"] = "00:00:01",
            ["Dispatch__Lease"] = "00:00:02",
        };
}

/// <inheritdoc cref="FaultyPipeline"/>
public sealed class FaultyPipeline<TRedis>(DatabaseFactory databases) : FaultyPipeline(databases)
    where TRedis : IRedisKind
{
    private protected override RedisKind Redis => TRedis.Kind;
}
