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

public sealed class UsualPipelineOnGarnet(DatabaseFactory databases) : UsualPipeline(databases);

public sealed class UsualPipelineOnRedis(DatabaseFactory databases) : UsualPipeline(databases)
{
    private protected override RedisKind Redis => RedisKind.Redis;
}

/// <summary>Two gateways and two workers behind a balancer: no client knows where its socket is.</summary>
public sealed class UsualPipelineBehindBalancer(DatabaseFactory databases) : UsualPipeline(databases)
{
    private protected override int Workers => 2;

    private protected override bool IsBalanced => true;
}

[CollectionDefinition]
public sealed class UsualBehindBalancer : ICollectionFixture<UsualPipelineBehindBalancer>;

[CollectionDefinition]
public sealed class UsualOnGarnet : ICollectionFixture<UsualPipelineOnGarnet>;

[CollectionDefinition]
public sealed class UsualOnRedis : ICollectionFixture<UsualPipelineOnRedis>;

/// <summary>No worker: the test is the orchestrator, one that knows only the original's two payloads.</summary>
public abstract class ForeignPipeline(DatabaseFactory databases) : PipelineFixture(databases)
{
    private protected override int Workers => 0;

    private protected override Dictionary<string, string> Settings => new() { ["Chat__CreateMissingConversations"] = "true" };
}

public sealed class LegacyPipelineOnGarnet(DatabaseFactory databases) : ForeignPipeline(databases);

public sealed class LegacyPipelineOnRedis(DatabaseFactory databases) : ForeignPipeline(databases)
{
    private protected override RedisKind Redis => RedisKind.Redis;
}

[CollectionDefinition]
public sealed class ForeignOnGarnet : ICollectionFixture<LegacyPipelineOnGarnet>;

[CollectionDefinition]
public sealed class ForeignOnRedis : ICollectionFixture<LegacyPipelineOnRedis>;

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

public sealed class ImpatientPipelineOnGarnet(DatabaseFactory databases) : ImpatientPipeline(databases);

public sealed class ImpatientPipelineOnRedis(DatabaseFactory databases) : ImpatientPipeline(databases)
{
    private protected override RedisKind Redis => RedisKind.Redis;
}

[CollectionDefinition]
public sealed class ImpatientOnGarnet : ICollectionFixture<ImpatientPipelineOnGarnet>;

[CollectionDefinition]
public sealed class ImpatientOnRedis : ICollectionFixture<ImpatientPipelineOnRedis>;

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

public sealed class CrowdedPipelineOnGarnet(DatabaseFactory databases) : CrowdedPipeline(databases);

public sealed class CrowdedPipelineOnRedis(DatabaseFactory databases) : CrowdedPipeline(databases)
{
    private protected override RedisKind Redis => RedisKind.Redis;
}

[CollectionDefinition(DisableParallelization = true)]
public sealed class CrowdedOnGarnet : ICollectionFixture<CrowdedPipelineOnGarnet>;

[CollectionDefinition(DisableParallelization = true)]
public sealed class CrowdedOnRedis : ICollectionFixture<CrowdedPipelineOnRedis>;

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

public sealed class FaultyPipelineOnGarnet(DatabaseFactory databases) : FaultyPipeline(databases);

public sealed class FaultyPipelineOnRedis(DatabaseFactory databases) : FaultyPipeline(databases)
{
    private protected override RedisKind Redis => RedisKind.Redis;
}

[CollectionDefinition]
public sealed class FaultyOnGarnet : ICollectionFixture<FaultyPipelineOnGarnet>;

[CollectionDefinition]
public sealed class FaultyOnRedis : ICollectionFixture<FaultyPipelineOnRedis>;
