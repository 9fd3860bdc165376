using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Celery;

/// <summary>Two gateways that feed a Celery queue, and a Celery worker; leases and sweeps are short, so that a repair takes seconds.</summary>
public abstract class CeleryPipeline(DatabaseFactory databases) : PipelineFixture(databases)
{
    private CeleryWorker? _worker;

    internal CeleryWorker Worker => _worker!;

    private protected override bool HasOtherGateway => true;

    private protected override int Workers => 0;

    private protected override Dictionary<string, string> Settings =>
        new()
        {
            ["Chat__CreateMissingConversations"] = "true",
            ["Chat__SweepInterval"] = "00:00:00.5",
            ["Chat__SweepAge"] = "00:00:01",
            ["Dispatch__Queue"] = "celery",
            ["Dispatch__Celery__ListeningLease"] = "00:00:02",
        };

    public override async ValueTask DisposeAsync()
    {
        if (_worker is not null)
        {
            await _worker.DisposeAsync();
        }

        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected override async Task StartAsync()
    {
        Requirement.Celery.Require();
        await base.StartAsync();
        _worker = await CeleryWorker.StartAsync(Pipeline.Redis);
    }
}

/// <inheritdoc cref="CeleryPipeline"/>
public sealed class CeleryPipeline<TRedis>(DatabaseFactory databases) : CeleryPipeline(databases)
    where TRedis : IRedisKind
{
    private protected override RedisKind Redis => TRedis.Kind;
}

/// <summary>The same with a task that publishes the payload's <c>turn_id</c>.</summary>
public sealed class EchoingCeleryPipeline(DatabaseFactory databases) : CeleryPipeline(databases)
{
    private protected override Dictionary<string, string> Settings => new(base.Settings) { ["Dispatch__Celery__EchoesTurn"] = "true" };
}
