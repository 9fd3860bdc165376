using System.Globalization;
using System.Text;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Telemetry;

/// <summary>
/// What telemetry costs, side by side: the same answers with nothing exported and with everything. Not part of a run of the tests, since it measures and
/// a busy machine would decide: <c>eng/telemetry-cost</c> runs it and prints the table of docs/reference/metrics.md.
/// </summary>
[Trait("Tier", "Measurement")]
public sealed class CostOfTelemetry(DatabaseFactory databases)
{
    private const int Conversations = 100;
    private const int TokensEach = 400;
    private const int Rounds = 3;

    [Fact(Explicit = true)]
    public async Task Measure()
    {
        var results = new Dictionary<bool, List<(double Gateway, double Worker)>> { [false] = [], [true] = [] };
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var isOn in (bool[])[false, true])
            {
                results[isOn].Add(await RunAsync(isOn));
            }
        }

        var table = new StringBuilder();
        table.AppendLine(
            CultureInfo.InvariantCulture,
            $"CPU-seconds for 100,000 chunks; {Conversations} conversations at 25 tokens a second, median of {Rounds} runs (all runs)"
        );
        table.AppendLine();
        table.AppendLine("| telemetry | gateway | orchestrator |");
        table.AppendLine("|---|---|---|");
        foreach (var isOn in (bool[])[false, true])
        {
            table.AppendLine(
                CultureInfo.InvariantCulture,
                $"| {(isOn ? "on" : "off")} | {Cell(results[isOn].Select(r => r.Gateway))} | {Cell(results[isOn].Select(r => r.Worker))} |"
            );
        }

        Report.Write("telemetry-cost.md", table.ToString());
        TestContext.Current.TestOutputHelper?.WriteLine(table.ToString());
    }

    private static string Cell(IEnumerable<double> runs)
    {
        var sorted = runs.Order().ToList();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{sorted[sorted.Count / 2]:0.00} ({string.Join(", ", sorted.Select(run => run.ToString("0.00", CultureInfo.InvariantCulture)))})"
        );
    }

    private async Task<(double Gateway, double Worker)> RunAsync(bool isOn)
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        var settings = new Dictionary<string, string> { ["Chat__CreateMissingConversations"] = "true" };
        if (isOn)
        {
            settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.Settings["OTEL_EXPORTER_OTLP_ENDPOINT"];
            settings["OTEL_METRIC_EXPORT_INTERVAL"] = "5000"; // A minute by default: it would miss the run. All else is as it is by default.
        }

        await using var pipeline = await Pipeline.StartAsync(databases, RedisKind.Garnet, settings: settings);
        await ChatAsync(pipeline, "/stream tokens=200 rate=25 delay=0"); // Warm: compiled, connected, and once exported.

        var (gateway, worker) = (pipeline.Gateway.ProcessorTime, pipeline.Worker.ProcessorTime);
        await ChatAsync(pipeline, $"/stream tokens={TokensEach} rate=25 delay=0");
        const double Per = 100_000.0 / (Conversations * TokensEach);
        return ((pipeline.Gateway.ProcessorTime - gateway).TotalSeconds * Per, (pipeline.Worker.ProcessorTime - worker).TotalSeconds * Per);
    }

    private static Task ChatAsync(Pipeline pipeline, string text) =>
        Task.WhenAll(
            Enumerable
                .Range(0, Conversations)
                .Select(async _ =>
                {
                    var (chat, _) = await RawChat.OpenV2Async(pipeline.Gateway, Person.New(), Guid.NewGuid());
                    await using var __ = chat;
                    await chat.SayAsync(text, "m");
                    await chat.ReadToAsync("done", TimeSpan.FromSeconds(60));
                })
        );
}
