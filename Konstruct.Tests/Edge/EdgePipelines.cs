using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Edge;

/// <summary>Answers to every name, so that the checks behind that can be tested. No worker.</summary>
public sealed class AnyHostPipeline(DatabaseFactory databases) : PipelineFixture(databases)
{
    private protected override RedisKind Redis => RedisKind.Garnet;

    private protected override int Workers => 0;

    private protected override Dictionary<string, string> Settings => new() { ["AllowedHosts"] = "*" };
}
