using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Telemetry;

/// <summary>What people and models say is in no span, no log line and no metric; only a developer may ask for it, and only for the model's call.</summary>
[Trait("Tier", "Long")]
[Collection<Sharing<TracedPipeline<OnGarnet>>>]
public sealed class ContentTests(TracedPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    private const string Capture = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";

    private readonly Person _person = Person.New();
    private readonly Guid _conversation = Guid.NewGuid();
    private readonly string _secret = $"secret-{Guid.NewGuid():N}";

    private OtlpReceiver Receiver { get; } = fixture.Receiver;

    /// <summary>A chat that ends well, one that fails, one that is refused, one whose display name is telling, and lines that are no frames.</summary>
    [Fact]
    public async Task Nothing_that_was_said_is_exported_or_logged()
    {
        string[] texts = [$"/stream tokens=30 rate=300 delay=10 {_secret}", $"/fail tokens=6 rate=300 {_secret}", $"Hello {_secret}"];
        var (chat, _) = await RawChat.OpenV2Async(Gateway, _person, _conversation);
        await using var _ = chat;
        foreach (var text in texts)
        {
            await chat.SendAsync($$"""{"type":"message","text":{{PythonJson.Compact(text)}},"displayName":"{{_secret}}"}""");
            await chat.ReadToAsync("done");
        }

        await chat.SendAsync($"no frame {_secret}");
        await chat.NextAsync("error");
        await chat.SendAsync($$"""{"type":"message","text":"{{_secret}}","conversationId":"{{Guid.NewGuid()}}"}""");
        await chat.NextAsync("error");
        await WaitForTurnsAsync(texts.Length);

        // Three words in a row of an answer are nowhere else.
        var said = texts.SelectMany(text =>
            Answers.TokensOf(text).Chunk(3).Where(words => words.Length == 3).Select(words => string.Concat(words).Trim())
        );
        var seen = string.Join('\n', [.. Receiver.Requests, Pipeline.Log]);
        Assert.All([_secret, .. said], words => Assert.DoesNotContain(words, seen, StringComparison.OrdinalIgnoreCase));
        Assert.Contains($"{_conversation}", seen, StringComparison.Ordinal); // It would have been found.
    }

    [Theory]
    [InlineData("Production", true, false)]
    [InlineData("Staging", true, false)]
    [InlineData("Development", true, true)]
    [InlineData("Development", false, false)]
    public async Task The_models_content_is_captured_in_Development_alone_and_only_when_asked_for(string environment, bool asked, bool captured)
    {
        var settings = new Dictionary<string, string> { ["ASPNETCORE_ENVIRONMENT"] = environment, ["OTEL_SERVICE_NAME"] = $"model-of-{_secret}" };
        if (asked)
        {
            settings[Capture] = "true";
        }

        await using var redis = await RedisServer.StartAsync(RedisKind.Garnet); // A queue of its own: no other worker takes the task.
        settings["ConnectionStrings__redis"] = redis.ConnectionString;
        await using var gateway = await Pipeline.StartGatewayAsync(
            settings.Where(s => s.Key.StartsWith("Conn", StringComparison.Ordinal)).ToDictionary()
        );
        await using var worker = await Pipeline.StartWorkerAsync(settings);
        await using var chat = await RawChat.OpenAsync(gateway, _person, _conversation);
        await chat.SayAsync($"/burst 2 {_secret}");
        await chat.ReceiveTurnAsync();

        var model = await Until.NotNullAsync(() =>
            Task.FromResult(Receiver.Spans.FirstOrDefault(span => span.Service == $"model-of-{_secret}" && span.Scope == "Konstruct.GenAI"))
        );
        Assert.Equal(captured, model.Attributes.Values.Any(value => value.Contains($"/burst 2 {_secret}", StringComparison.Ordinal)));
    }

    private Task WaitForTurnsAsync(int turns) =>
        Until.TrueAsync(() =>
            Task.FromResult(
                Receiver.Spans.Count(span => span.Name == "chat.turn" && span["konstruct.conversation.id"] == $"{_conversation}") >= turns
                    && Receiver.LogRecords.Count(log => log.Attributes.GetValueOrDefault("conversation_id") == $"{_conversation}") >= turns
            )
        );
}
