using Konstruct.Tests.Harness;
using Konstruct.Tests.Telemetry.Otlp;
using Xunit;

namespace Konstruct.Tests.Telemetry;

/// <summary>What operators are promised in docs/reference/metrics.md: name, unit, buckets, labels; and that the numbers are what they say.</summary>
public abstract class MetricTests(TracedPipeline fixture) : PipelineTests(fixture)
{
    private const string GatewayService = "Konstruct.Gateway";
    private const string WorkerService = "Konstruct.OrchestratorStub";

    /// <summary>The convention's: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/.</summary>
    private static readonly double[] GenAiSeconds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

    private static readonly double[] GenAiTokens = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];

    private readonly Person _person = Person.New();
    private readonly Guid _conversation = Guid.NewGuid();

    private OtlpReceiver Receiver { get; } = fixture.Receiver;

    [Fact]
    public async Task Every_promised_metric_is_exported_with_its_unit_its_buckets_and_bounded_labels()
    {
        await SeeEverythingAsync();

        Assert.Equal(
            [
                "konstruct.chunk.forwarding_delay s [5E-05 0.0001 0.00025 0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 1]",
                "konstruct.closes {socket} code",
                "konstruct.queue.entries {entry} state",
                "konstruct.queue.oldest s",
                "konstruct.rejections {frame} code",
                "konstruct.replays {replay} cause",
                "konstruct.sockets {socket} version",
                "konstruct.time_to_first_chunk s [0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 30 60 180]",
                "konstruct.turn.duration s outcome [0.1 0.25 0.5 1 2.5 5 10 30 60 180 600 1800]",
                "konstruct.turns {turn} outcome",
                "konstruct.turns.active {turn} state",
            ],
            Promised(GatewayService).Where(metric => !metric.StartsWith("konstruct.redeliveries ", StringComparison.Ordinal))
        );
        Assert.Equal(
            [
                "konstruct.attempts {attempt} result",
                "konstruct.queue.wait s [0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 30 60 180]",
                "konstruct.worker.turns {turn}",
            ],
            Promised(WorkerService)
        );
    }

    [Fact]
    public async Task The_models_metrics_have_the_units_and_buckets_of_the_convention()
    {
        await SayAndWaitAsync("/stream tokens=5 rate=100 delay=20");
        await HasAsync(WorkerService, "gen_ai.client.operation.duration", "gen_ai.client.operation.time_to_first_chunk", "gen_ai.client.token.usage");

        AssertBuckets("gen_ai.client.operation.duration", "s", GenAiSeconds);
        AssertBuckets("gen_ai.client.operation.time_to_first_chunk", "s", GenAiSeconds);
        AssertBuckets("gen_ai.client.token.usage", "{token}", GenAiTokens);
        var types = Get(WorkerService, "gen_ai.client.token.usage")
            .Histogram.DataPoints.Select(point => SeenSpan.Texts(point.Attributes)["gen_ai.token.type"]);
        Assert.Equal(["input", "output"], types.Distinct().Order(StringComparer.Ordinal));

        void AssertBuckets(string name, string unit, double[] bounds)
        {
            var metric = Get(WorkerService, name);
            Assert.Equal(unit, metric.Unit);
            Assert.All(metric.Histogram.DataPoints, point => Assert.Equal(bounds, point.ExplicitBounds));
        }
    }

    /// <summary>In v2, where no chunk joins another: so each is one.</summary>
    [Fact]
    public async Task Chunks_and_first_chunks_are_measured_where_the_socket_took_them()
    {
        var (chat, _) = await RawChat.OpenV2Async(Gateway, _person, _conversation);
        await using var _ = chat;
        await chat.SayAsync("/burst 1", "m1");
        await chat.ReadToAsync("done");
        await HasAsync(GatewayService, "konstruct.chunk.forwarding_delay", "konstruct.time_to_first_chunk");
        var (chunks, first, waited) = await SettledAsync();

        await chat.SayAsync("/stream tokens=9 rate=100 delay=700", "m2");
        await chat.ReadToAsync("done");

        await Until.TrueAsync(() => Task.FromResult(Count("konstruct.chunk.forwarding_delay") == chunks + 9));
        Assert.Equal(first + 1, Count("konstruct.time_to_first_chunk"));
        Assert.InRange(Sum("konstruct.time_to_first_chunk") - waited, 0.7, 30); // The worker's delay, and all that is before and behind it.
        Assert.InRange(Sum("konstruct.chunk.forwarding_delay"), 0.000001, 5 * (chunks + 9));
    }

    [Fact]
    public async Task The_page_about_metrics_names_each_and_its_unit()
    {
        await SeeEverythingAsync();
        var page = await File.ReadAllTextAsync(
            Path.Combine(BuiltPrograms.RepositoryRoot, "docs", "reference", "metrics.md"),
            TestContext.Current.CancellationToken
        );

        Assert.All(
            Receiver.LatestMetrics.Values.Where(metric => IsOurs(metric.Name)),
            metric => Assert.Contains($"| `{metric.Name}` | {metric.Unit.Trim('{', '}')} |", page, StringComparison.Ordinal)
        );
    }

    private static bool IsOurs(string name) =>
        name.StartsWith("konstruct.", StringComparison.Ordinal) || name.StartsWith("gen_ai.", StringComparison.Ordinal);

    /// <summary>Makes each number move once: an answer, a refused frame, a replay, a socket that leaves.</summary>
    private async Task SeeEverythingAsync()
    {
        var (chat, _) = await RawChat.OpenV2Async(Gateway, _person, _conversation);
        await using var _ = chat;
        await chat.SendAsync("""{"type":"message","text":""}""");
        await chat.NextAsync("error");
        await chat.SayAsync("/burst 3", "m1");
        var done = (await chat.ReadToAsync("done"))[^1];
        await chat.ResumeAsync(done.TurnId!.Value, attempt: 1, after: 1);
        await chat.ReadToAsync("done");
        await SayAndWaitAsync("/burst 2");

        await HasAsync(
            GatewayService,
            "konstruct.turns",
            "konstruct.turn.duration",
            "konstruct.sockets",
            "konstruct.closes",
            "konstruct.time_to_first_chunk",
            "konstruct.chunk.forwarding_delay",
            "konstruct.replays",
            "konstruct.rejections",
            "konstruct.queue.entries",
            "konstruct.queue.oldest",
            "konstruct.turns.active"
        );
        await HasAsync(WorkerService, "konstruct.attempts", "konstruct.queue.wait", "konstruct.worker.turns", "gen_ai.client.operation.duration");
    }

    private async Task SayAndWaitAsync(string text)
    {
        await using var chat = await OpenAsync(Person.New(), Guid.NewGuid());
        await chat.SayAsync(text);
        await chat.ReceiveTurnAsync();
        await chat.CloseAsync();
    }

    private Task HasAsync(string service, params string[] names) =>
        Until.TrueAsync(
            () => Task.FromResult(names.All(name => Receiver.LatestMetrics.ContainsKey((service, name)))),
            TimeSpan.FromSeconds(30),
            string.Join(", ", names)
        );

    /// <summary>The numbers once the last chunk that was sent is in them.</summary>
    private async Task<(ulong Chunks, ulong First, double Waited)> SettledAsync()
    {
        var last = (Count("konstruct.chunk.forwarding_delay"), Count("konstruct.time_to_first_chunk"), Sum("konstruct.time_to_first_chunk"));
        var began = DateTime.UtcNow;
        await Until.TrueAsync(() =>
        {
            var now = (Count("konstruct.chunk.forwarding_delay"), Count("konstruct.time_to_first_chunk"), Sum("konstruct.time_to_first_chunk"));
            began = now == last ? began : DateTime.UtcNow;
            last = now;
            return Task.FromResult(DateTime.UtcNow - began > TimeSpan.FromSeconds(2)); // Four exports.
        });
        return last;
    }

    /// <summary>Ours of a service, each as one line: name, unit, labels, buckets.</summary>
    private IReadOnlyList<string> Promised(string service)
    {
        var seen = Receiver
            .LatestMetrics.Where(metric => metric.Key.Service == service && metric.Key.Name.StartsWith("konstruct.", StringComparison.Ordinal))
            .ToList();
        return [.. seen.Select(metric => Line(metric.Value)).Order(StringComparer.Ordinal)];
    }

    private static string Line(Metric metric)
    {
        var labels = metric.DataCase switch
        {
            Metric.DataOneofCase.Histogram => metric.Histogram.DataPoints.SelectMany(point => point.Attributes),
            Metric.DataOneofCase.Sum => metric.Sum.DataPoints.SelectMany(point => point.Attributes),
            _ => metric.Gauge.DataPoints.SelectMany(point => point.Attributes),
        };
        var words = new List<string> { metric.Name, metric.Unit };
        words.AddRange(labels.Select(label => label.Key).Distinct().Order(StringComparer.Ordinal));
        if (metric.DataCase == Metric.DataOneofCase.Histogram)
        {
            words.Add(
                FormattableString.Invariant(
                    $"[{string.Join(' ', metric.Histogram.DataPoints[0].ExplicitBounds.Select(bound => FormattableString.Invariant($"{bound}")))}]"
                )
            );
        }

        return string.Join(' ', words);
    }

    private Metric Get(string service, string name) => Receiver.LatestMetrics[(service, name)];

    private ulong Count(string name) => Get(GatewayService, name).Histogram.DataPoints.Aggregate(0ul, (sum, point) => sum + point.Count);

    private double Sum(string name) => Get(GatewayService, name).Histogram.DataPoints.Sum(point => point.Sum);
}

[Collection<Sharing<TracedPipeline<OnGarnet>>>]
public sealed class MetricsOnGarnet(TracedPipeline<OnGarnet> fixture) : MetricTests(fixture);

[Collection<Sharing<TracedPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class MetricsOnRedis(TracedPipeline<OnRedis> fixture) : MetricTests(fixture);
