using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Konstruct.OrchestratorStub.Model;

/// <summary>The failure that <c>/fail</c> requests.</summary>
internal sealed class FakeModelFailureException() : Exception("The fake model fails, as the message asked it to.");

/// <summary>A fake model: streams fake tokens at the pace of the message or the options. A real <see cref="IChatClient"/> can replace it.</summary>
internal sealed class FakeTokenChatClient(StubOptions options, TimeProvider time) : IChatClient
{
    /// <summary>Name of the model in telemetry.</summary>
    public const string ModelId = "fake-tokens";

    private readonly ChatClientMetadata _metadata = new("konstruct-fake", providerUri: null, defaultModelId: ModelId);

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? callOptions = null,
        CancellationToken cancellationToken = default
    ) => await GetStreamingResponseAsync(messages, callOptions, cancellationToken).ToChatResponseAsync(cancellationToken);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? callOptions = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var text = messages.LastOrDefault(message => message.Role == ChatRole.User)?.Text ?? "";
        var scenario = Scenario.Of(text, options);
        var pace = new Pace(scenario, time);
        if (scenario.Kind == ScenarioKind.Silent)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        }

        var tokens = 0;
        using var words = FakeWords.For(text, scenario, time).GetEnumerator();
        while (true)
        {
            // Wait before the next word is created: a word of /stamp contains the time at which it is sent.
            await pace.WaitForAsync(tokens, cancellationToken);
            if (!words.MoveNext())
            {
                break;
            }

            tokens++;
            yield return new(ChatRole.Assistant, words.Current) { ModelId = ModelId };
        }

        if (scenario.Kind == ScenarioKind.Fail)
        {
            throw new FakeModelFailureException();
        }

        yield return new(ChatRole.Assistant, [new UsageContent(new() { InputTokenCount = text.Split(' ').Length, OutputTokenCount = tokens })])
        {
            ModelId = ModelId,
            FinishReason = ChatFinishReason.Stop,
        };
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(ChatClientMetadata) ? _metadata
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose() { }
}
