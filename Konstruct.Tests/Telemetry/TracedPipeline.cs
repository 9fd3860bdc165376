using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Telemetry;

/// <summary>A pipeline whose services export to the tests, and which repairs soon.</summary>
public abstract class TracedPipeline(DatabaseFactory databases) : PipelineFixture(databases)
{
    internal OtlpReceiver Receiver { get; private set; } = null!;

    private protected override Dictionary<string, string> Settings =>
        new(Receiver.Settings)
        {
            ["Chat__CreateMissingConversations"] = "true",
            ["Chat__SweepInterval"] = "00:00:00.5",
            ["Chat__SweepAge"] = "00:00:03", // Longer than a chat, whose tree would otherwise have the sweep's attempt to end it.
            ["Dispatch__Lease"] = "00:00:02",
        };

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Receiver.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected override async Task StartAsync()
    {
        Receiver = await OtlpReceiver.StartAsync();
        await base.StartAsync();
    }
}

/// <inheritdoc cref="TracedPipeline"/>
public sealed class TracedPipeline<TRedis>(DatabaseFactory databases) : TracedPipeline(databases)
    where TRedis : IRedisKind
{
    private protected override RedisKind Redis => TRedis.Kind;
}
