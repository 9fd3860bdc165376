using System.Reflection;
using System.Text.RegularExpressions;
using Konstruct.Gateway.Configuration;
using Konstruct.OrchestratorStub.Model;
using Konstruct.Tests.Harness;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Konstruct.Tests.Telemetry;

/// <summary>Logs are a vocabulary: what can be said is known when the program is built, and each sentence has a number.</summary>
public sealed partial class LogVocabularyTests
{
    private static readonly Assembly[] Services =
    [
        typeof(ChatOptions).Assembly,
        typeof(StubOptions).Assembly,
        typeof(Konstruct.Contracts.Redis.TurnLog).Assembly,
        typeof(Microsoft.Extensions.Hosting.ServiceDefaultsExtensions).Assembly,
    ];

    private static readonly IReadOnlyList<(int Id, string Where)> Events =
    [
        .. from assembly in Services
        from type in assembly.GetTypes()
        from method in type.GetMethods(
            BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly
        )
        let message = method.GetCustomAttribute<LoggerMessageAttribute>()
        where message is not null
        select (message.EventId, $"{type.DeclaringType?.FullName ?? type.FullName}.{method.Name}"),
    ];

    [Fact]
    public void An_event_id_means_one_thing_in_the_whole_solution()
    {
        Assert.True(Events.Count > 30, $"Only {Events.Count} events were found.");
        Assert.All(
            Events.GroupBy(e => e.Id),
            same => Assert.True(same.Count() == 1 && same.Key > 0, $"{same.Key}: {string.Join(", ", same.Select(e => e.Where))}")
        );
    }

    /// <summary>The page gives each class a range: what it adds stays in it, so that an id tells where it comes from.</summary>
    [Fact]
    public async Task Ids_are_in_the_ranges_that_the_page_gives_them()
    {
        var page = await File.ReadAllTextAsync(
            Path.Combine(BuiltPrograms.RepositoryRoot, "docs", "reference", "traces-and-logs.md"),
            TestContext.Current.CancellationToken
        );
        var ranges = Range()
            .Matches(page)
            .Select(m => (From: int.Parse(m.Groups[1].Value, null), To: int.Parse(m.Groups[2].Value, null), Folder: m.Groups[3].Value))
            .ToList();

        Assert.NotEmpty(ranges);
        Assert.All(
            Events,
            e =>
                Assert.True(
                    ranges.Any(range =>
                        e.Id >= range.From && e.Id <= range.To && e.Where.StartsWith($"Konstruct.{range.Folder}", StringComparison.Ordinal)
                    ),
                    $"{e.Id} of {e.Where} is in no range of docs/reference/traces-and-logs.md."
                )
        );
    }

    [Fact]
    public void Nothing_is_logged_but_source_generated_messages()
    {
        var sources =
            from project in (string[])["Konstruct.Gateway", "Konstruct.OrchestratorStub", "Konstruct.Contracts", "Konstruct.ServiceDefaults"]
            from file in Directory.EnumerateFiles(Path.Combine(BuiltPrograms.RepositoryRoot, project), "*.cs", SearchOption.AllDirectories)
            where !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
            select file;

        Assert.DoesNotContain(sources, file => FreeLogging().IsMatch(File.ReadAllText(file)));
    }

    [GeneratedRegex(@"^\| (\d+)–(\d+) \| `([\w.]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Range();

    [GeneratedRegex(@"\.Log(Trace|Debug|Information|Warning|Error|Critical)?\(\s*(\$?""|LogLevel|exception|ex\b)")]
    private static partial Regex FreeLogging();
}

/// <summary>What a line of the log carries when it arrives. Lines once carried the scope of the turn that had opened the subscription, too.</summary>
[Collection<Sharing<TracedPipeline<OnGarnet>>>]
public sealed class LogTests(TracedPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    /// <summary>A v1 socket subscribes with its first message: what is logged of the second must not name the first.</summary>
    [Fact]
    public async Task Each_turn_of_a_socket_is_logged_as_itself()
    {
        var (person, conversation) = (Person.New(), Guid.NewGuid());
        await using var chat = await OpenAsync(person, conversation);
        foreach (var text in (string[])["/burst 1", "/burst 2"])
        {
            await chat.SayAsync(text);
            await chat.ReceiveTurnAsync();
        }

        var lines = await Until.NotNullAsync(() =>
            Task.FromResult(
                fixture
                    .Receiver.LogRecords.Where(log =>
                        log.Service == "Konstruct.Gateway"
                        && log.Attributes.GetValueOrDefault("conversation_id")?.StartsWith($"{conversation}", StringComparison.Ordinal) == true
                    )
                    .ToList()
                    is { Count: >= 2 } both
                    ? both
                    : null
            )
        );
        Assert.All(
            lines,
            line => Assert.Equal((line.Attributes["TurnId"], $"{conversation}"), (line.Attributes["turn_id"], line.Attributes["conversation_id"]))
        );
        Assert.Distinct(lines.Select(line => line.TraceId));
    }

    [Theory]
    [InlineData("/burst 2", "Konstruct.Gateway", "302", "Information")]
    [InlineData("/fail tokens=1 rate=100", "Konstruct.Gateway", "302", "Warning")]
    [InlineData("/fail tokens=1 rate=100", "Konstruct.OrchestratorStub", "500", "Warning")]
    public async Task A_line_about_a_turn_has_its_trace_and_says_whose_it_is(string text, string service, string eventId, string severity)
    {
        var (person, conversation) = (Person.New(), Guid.NewGuid());
        var (chat, _) = await RawChat.OpenV2Async(Gateway, person, conversation);
        await using var _ = chat;
        await chat.SayAsync(text, "m1");
        var turnId = (await chat.ReadToAsync("done"))[^1].TurnId;

        var line = await Until.NotNullAsync(() =>
            Task.FromResult(
                fixture.Receiver.LogRecords.FirstOrDefault(log =>
                    log.Service == service
                    && log.Attributes.GetValueOrDefault("turn_id") == $"{turnId}"
                    && log.Attributes.GetValueOrDefault("logrecord.event.id") == eventId
                )
            )
        );
        Assert.Equal(
            (severity, $"{person.Tenant}", $"{conversation}"),
            (line.Severity, line.Attributes["tenant_id"], line.Attributes["conversation_id"])
        );
        Assert.DoesNotContain(
            fixture.Receiver.LogRecords,
            log => log.Attributes.GetValueOrDefault("turn_id")?.Contains(" and ", StringComparison.Ordinal) == true
        );
        var root = await Until.NotNullAsync(() =>
            Task.FromResult(fixture.Receiver.Spans.FirstOrDefault(span => span.Name == "chat.turn" && span["konstruct.turn.id"] == $"{turnId}"))
        );
        Assert.Equal(root.TraceId, line.TraceId);
    }
}
