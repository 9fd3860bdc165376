using System.Text.RegularExpressions;
using Konstruct.Tests.Docs;
using Konstruct.Tests.Harness;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace Konstruct.Tests.Observability;

/// <summary>The files of deploy/observability keep to their own rules; see <see cref="PrometheusTests"/> for what their queries find.</summary>
public sealed partial class DashboardTests
{
    [Fact]
    public void Every_panel_explains_itself()
    {
        var dashboard = Dashboard.Read();
        var panels = Dashboard.Panels(dashboard);

        Assert.True(panels.Count > 20, $"Only {panels.Count} panels were found.");
        Assert.All(
            panels,
            panel =>
            {
                Assert.NotEmpty((string)panel["title"]!);
                Assert.EndsWith(".", (string)panel["description"]!, StringComparison.Ordinal);
                Assert.NotEmpty((string)panel["fieldConfig"]!["defaults"]!["unit"]!);
                Assert.Equal("${datasource}", (string?)panel["datasource"]!["uid"]);
                Assert.NotEmpty(panel["targets"]!.AsArray());
                Assert.All(panel["targets"]!.AsArray(), target => Assert.Equal("${datasource}", (string?)target!["datasource"]!["uid"]));
            }
        );
    }

    [Fact]
    public void Panels_have_ids_titles_and_places_of_their_own()
    {
        var panels = Dashboard.AllPanels(Dashboard.Read());
        Assert.Distinct(panels.Select(panel => (int)panel["id"]!));
        Assert.Distinct(panels.Select(panel => (string)panel["title"]!));
        var cells = panels
            .Select(panel => panel["gridPos"]!)
            .SelectMany(at =>
                from x in Enumerable.Range((int)at["x"]!, (int)at["w"]!)
                from y in Enumerable.Range((int)at["y"]!, (int)at["h"]!)
                select (x, y)
            )
            .ToList();
        Assert.Distinct(cells);
        Assert.All(cells, cell => Assert.InRange(cell.x, 0, 23));
    }

    /// <summary>Otherwise a legend says nothing.</summary>
    [Fact]
    public void Legends_name_labels_by_which_their_query_groups() =>
        Assert.All(
            Dashboard.Panels(Dashboard.Read()).SelectMany(panel => panel["targets"]!.AsArray()),
            target =>
                Assert.Subset(
                    Dashboard.GroupingsOf((string)target!["expr"]!).ToHashSet(),
                    LegendLabel().Matches((string)target["legendFormat"]!).Select(match => match.Groups[1].Value).ToHashSet()
                )
        );

    [Fact]
    public void The_source_of_the_data_is_chosen_at_import()
    {
        var variables = Dashboard.Read()["templating"]!["list"]!.AsArray();
        var source = Assert.Single(variables, variable => (string?)variable!["name"] == "datasource");
        Assert.Equal(("datasource", "prometheus"), ((string?)source!["type"], (string?)source["query"]));
    }

    /// <summary>A person who is woken reads what users see, what to look at and what to do.</summary>
    [Fact]
    public void Every_alert_has_a_duration_a_severity_and_a_runbook()
    {
        var alerts = Dashboard.Alerts();
        var page = MarkdownPage.Of("docs/guide/runbook.md");

        Assert.True(alerts.Count >= 8, $"Only {alerts.Count} alerts were found.");
        Assert.Distinct(alerts.Select(alert => alert.Name));
        Assert.All(
            alerts,
            alert =>
            {
                Assert.NotNull(alert.For);
                Assert.Contains(alert.Labels["severity"], new[] { "critical", "warning" });
                Assert.EndsWith(".", alert.Annotations["summary"], StringComparison.Ordinal);
                var anchor = alert.Annotations["runbook"].Split('#');
                Assert.Equal("docs/guide/runbook.md", anchor[0]);
                Assert.Contains(anchor[1], page.Anchors);
                var section = Section(page.Text, alert.Name);
                Assert.All(new[] { "**Users see.**", "**Look at.**", "**Do.**" }, part => Assert.Contains(part, section, StringComparison.Ordinal));
            }
        );
    }

    /// <summary>Fields as the collector's documentation has them: every component that a pipeline names is configured, and none is left over.</summary>
    [Fact]
    public void The_collectors_pipelines_use_what_is_configured()
    {
        var root = (YamlMappingNode)Dashboard.Yaml("collector.yaml");
        var pipelines = (YamlMappingNode)root["service"]["pipelines"];
        foreach (var kind in new[] { "receivers", "processors", "exporters" })
        {
            var configured = Names((YamlMappingNode)root[kind]);
            var used = pipelines.Children.Values.SelectMany(pipeline => ((YamlSequenceNode)pipeline[kind]).Select(Text)).Distinct();
            Assert.Equal(configured.Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));
        }

        Assert.Equal(
            Names((YamlMappingNode)root["extensions"]).Order(StringComparer.Ordinal),
            ((YamlSequenceNode)root["service"]["extensions"]).Select(Text).Order(StringComparer.Ordinal)
        );
        // Without a limit first, a burst ends the collector.
        Assert.All(pipelines.Children.Values, pipeline => Assert.Equal("memory_limiter", Text(pipeline["processors"][0])));
        // Prometheus scrapes what the collector serves.
        var port = Text(root["exporters"]["prometheus"]["endpoint"]).Split(':')[^1];
        var scraped = Text(Dashboard.Yaml("prometheus.yaml")["scrape_configs"][0]["static_configs"][0]["targets"][0]);
        Assert.Equal($"collector:{port}", scraped);
    }

    [Fact]
    public async Task Promtool_accepts_the_files_and_the_alerts_fire_when_they_should()
    {
        await PromtoolAsync("check", "config", "prometheus.yaml");
        await PromtoolAsync("check", "rules", "alerts.yaml");
        await PromtoolAsync("test", "rules", "alerts.test.yaml");
    }

    [Fact]
    public void Every_alert_is_tested()
    {
        var tested = ((YamlSequenceNode)Dashboard.Yaml("alerts.test.yaml")["tests"])
            .SelectMany(test => (YamlSequenceNode)test["alert_rule_test"])
            .ToLookup(test => Text(test["alertname"]), test => ((YamlMappingNode)test).Children.ContainsKey("exp_alerts"));
        Assert.All(
            Dashboard.Alerts(),
            alert => Assert.Equal([false, true], tested[alert.Name].Distinct().Order()) // Silent, then firing.
        );
    }

    private static async Task PromtoolAsync(params string[] arguments)
    {
        Requirement.Prometheus.Require();
        var result = await CliWrap.Buffered.BufferedCommandExtensions.ExecuteBufferedAsync(
            CliWrap
                .Cli.Wrap("promtool")
                .WithArguments(arguments)
                .WithWorkingDirectory(Dashboard.Folder)
                .WithValidation(CliWrap.CommandResultValidation.None),
            TestContext.Current.CancellationToken
        );
        Assert.True(result.ExitCode == 0, $"{result.StandardOutput}\n{result.StandardError}");
    }

    private static string Section(string text, string heading)
    {
        var start = text.IndexOf($"\n## {heading}\n", StringComparison.Ordinal);
        Assert.True(start >= 0, $"There is no heading {heading}.");
        var end = text.IndexOf("\n## ", start + 1, StringComparison.Ordinal);
        return text[start..(end < 0 ? text.Length : end)];
    }

    [GeneratedRegex(@"\{\{(\w+)\}\}")]
    private static partial Regex LegendLabel();

    private static IEnumerable<string> Names(YamlMappingNode node) => node.Children.Keys.Select(Text);

    private static string Text(YamlNode node) => ((YamlScalarNode)node).Value!;
}
