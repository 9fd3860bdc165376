using Konstruct.Tests.Harness;
using Konstruct.Tests.Telemetry;

namespace Konstruct.Tests.Observability;

/// <summary>A pipeline whose metrics no other test moves.</summary>
public sealed class ObservedPipeline(DatabaseFactory databases) : TracedPipeline(databases)
{
    private protected override RedisKind Redis => RedisKind.Garnet;
}
