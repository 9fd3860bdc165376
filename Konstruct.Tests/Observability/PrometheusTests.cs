using System.Text.RegularExpressions;
using Konstruct.Tests.Conversations;
using Konstruct.Tests.Docs;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Observability;

/// <summary>
/// Every query of the dashboard and of the alerts, in a real Prometheus, on the metrics of a real run. A metric that is renamed takes its queries with it.
/// </summary>
[Collection<Sharing<ObservedPipeline>>]
public sealed partial class PrometheusTests(ObservedPipeline fixture) : PipelineTests(fixture)
{
    private readonly ObservedPipeline _fixture = fixture;

    [Fact]
    public async Task Every_query_finds_what_a_run_exports()
    {
        await using var prometheus = await PrometheusServer.StartAsync(_fixture.Receiver);
        var faults = SeriesOfFaults();
        var queries = Dashboard.Queries("30s");

        // A rate requires two samples, and a change between them: the traffic goes on until every query has data.
        var without = queries;
        try
        {
            await Until.TrueAsync(
                async () =>
                {
                    await MakeTrafficAsync();
                    without = await WithoutDataAsync(prometheus, queries, faults);
                    return without.Count == 0;
                },
                TimeSpan.FromMinutes(2)
            );
        }
        catch (TimeoutException)
        {
            Assert.Fail($"No data:\n{string.Join('\n', without.Select(query => $"{query.Panel}: {query.Expression}"))}");
        }

        await AssertSelectorsAsync(
            prometheus,
            [.. queries.Select(query => query.Expression), .. Dashboard.Alerts().Select(alert => alert.Expression)],
            faults
        );

        await Until.TrueAsync(async () => (await prometheus.RulesAsync()).All(rule => rule.Health != "unknown"));
        var rules = await prometheus.RulesAsync();
        Assert.Equal(Dashboard.Alerts().Select(alert => alert.Name).Order(), rules.Select(rule => rule.Name).Order());
        Assert.All(rules, rule => Assert.Equal((rule.Name, "ok", "inactive", ""), rule));
    }

    /// <summary>The queries of faults would stay empty for ever if their names were wrong, so two of them are seen, and the page about metrics has the rest.</summary>
    [Fact]
    public async Task Faults_create_the_series_that_the_runbook_lists()
    {
        var rows = MarkdownPage.Of("docs/reference/metrics.md").Text;
        foreach (var series in SeriesOfFaults())
        {
            var selector = Assert.Single(Dashboard.SelectorsOf(series));
            var row = PageRow().Matches(rows).Single(row => $"{row.Groups["name"].Value.Replace('.', '_')}_total" == selector.Name);
            Assert.All(selector.Matchers, matcher => Assert.Contains($"`{matcher.Label}`", row.Groups["labels"].Value, StringComparison.Ordinal));
        }

        await using var prometheus = await PrometheusServer.StartAsync(_fixture.Receiver);
        var (chat, _) = await RawChat.OpenV2Async(Gateway, Person.New(), Guid.NewGuid());
        await using var _ = chat;
        await chat.SayAsync("/fail 5", "m1");
        await chat.ReadToAsync("done");
        await chat.SayAsync("/stream tokens=200 rate=50 delay=0", "m2");
        await chat.ReadToAsync("chunk");
        await Pipeline.ReplaceWorkerAsync();
        await chat.ReadToAsync("done");

        foreach (var series in new[] { """konstruct_turns_total{outcome="failed"}""", "konstruct_redeliveries_total" })
        {
            Assert.Contains(series, SeriesOfFaults());
            await Until.TrueAsync(async () => (await prometheus.SeriesAsync(series)).Count > 0, what: series);
        }
    }

    /// <summary>What the runbook says of series that a run without faults does not have.</summary>
    private static HashSet<string> SeriesOfFaults()
    {
        var faults = FaultSeries().Matches(MarkdownPage.Of("docs/guide/runbook.md").Text).Select(match => match.Groups[1].Value).ToHashSet();
        Assert.NotEmpty(faults);
        return faults;
    }

    private static async Task<IReadOnlyList<Query>> WithoutDataAsync(
        PrometheusServer prometheus,
        IReadOnlyList<Query> queries,
        HashSet<string> faults
    )
    {
        var without = new List<Query>();
        foreach (var query in queries)
        {
            // Fails where Prometheus refuses it.
            var isEmpty = (await prometheus.QueryAsync(query.Expression)).Count == 0;
            if (isEmpty && !Dashboard.SelectorsOf(query.Expression).Any(selector => faults.Contains($"{selector}")))
            {
                without.Add(query);
            }
        }

        return without;
    }

    /// <summary>Each metric with these matchers exists, and has the labels that the expression matches and groups by; or only faults make it.</summary>
    private static async Task AssertSelectorsAsync(PrometheusServer prometheus, IReadOnlyList<string> expressions, HashSet<string> faults)
    {
        var problems = new List<string>();
        var seenFaults = new HashSet<string>();
        foreach (var expression in expressions)
        {
            var selectors = Dashboard.SelectorsOf(expression).ToList();
            Assert.NotEmpty(selectors);
            foreach (var selector in selectors)
            {
                if (faults.Contains($"{selector}"))
                {
                    seenFaults.Add($"{selector}");
                    continue;
                }

                var series = await prometheus.SeriesAsync($"{selector}");
                var labels = Dashboard.GroupingsOf(expression).Concat(selector.Matchers.Select(matcher => matcher.Label)).Distinct();
                if (series.Count == 0)
                {
                    problems.Add($"{expression}: {selector} does not exist");
                }
                else if (selectors.Select(one => one.Name).Distinct().Count() == 1)
                {
                    problems.AddRange(
                        labels
                            .Where(label => !series.Any(one => one.Contains(label)))
                            .Select(label => $"{expression}: {selector.Name} has no label {label}")
                    );
                }
            }
        }

        Assert.True(problems.Count == 0, string.Join('\n', problems));
        Assert.Equal(faults.Order(), seenFaults.Order()); // The list of the page has nothing that no query reads.
    }

    /// <summary>What users do on a good day, and what is refused on one.</summary>
    private async Task MakeTrafficAsync()
    {
        var (person, conversation) = (Person.New(), Guid.NewGuid());
        var (chat, _) = await RawChat.OpenV2Async(Gateway, person, conversation);
        await using (chat)
        {
            await chat.SendAsync("""{"type":"message","text":""}""");
            await chat.NextAsync("error");
            await chat.SayAsync("/stream tokens=9 rate=100 delay=20", "m1");
            var done = (await chat.ReadToAsync("done"))[^1];
            await chat.ResumeAsync(done.TurnId!.Value, attempt: 1, after: 1);
            await chat.ReadToAsync("done");
            await chat.CloseAsync();
        }

        await using var old = await OpenAsync(person, conversation);
        await old.SayAsync("/burst 3");
        await old.ReceiveTurnAsync();
        await old.CloseAsync();
        (await new ApiClient(Gateway, person).GetAsync("?limit=1")).Expect(200);
    }

    [GeneratedRegex(@"^\| `(?<name>konstruct\.[\w.]+)` \| [^|]* \|(?<labels>[^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex PageRow();

    [GeneratedRegex(@"^\| `((?:konstruct|gen_ai|dotnet)_[^`]+)` \|", RegexOptions.Multiline)]
    private static partial Regex FaultSeries();
}
