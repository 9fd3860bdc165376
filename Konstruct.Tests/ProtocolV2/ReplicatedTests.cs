using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.ProtocolV2;

/// <summary>What the tests of version 2 have at hand: a person, a conversation, and sockets to either gateway.</summary>
public abstract class ReplicatedTests : PipelineTests
{
    private readonly ReplicatedPipeline _fixture;

    protected ReplicatedTests(ReplicatedPipeline fixture)
        : base(fixture) => _fixture = fixture;

    private protected Person Me { get; } = Person.New();

    private protected Guid Conversation { get; } = Guid.NewGuid();

    private protected ServiceProcess OtherGateway => _fixture.OtherGateway;

    /// <summary>A socket of version 2 to the first gateway, past its <c>ready</c>.</summary>
    private protected async Task<RawChat> OpenV2Async() => (await RawChat.OpenV2Async(Gateway, Me, Conversation)).Chat;

    private protected async Task<RawChat> OpenV2ElsewhereAsync() => (await RawChat.OpenV2Async(OtherGateway, Me, Conversation)).Chat;

    /// <summary>Asserts that the frames are the chunks of this answer from this seq on, each byte as documented, and then its <c>done</c>.</summary>
    private protected void AssertAnswer(string message, Guid turn, IReadOnlyList<FrameV2> frames, int from = 1, int attempt = 1)
    {
        var tokens = Answers.TokensOf(message);
        var expected = tokens
            .Select((token, i) => Frames2.Chunk(token, turn, attempt, i + 1))
            .Skip(from - 1)
            .Append(Frames2.Done(string.Concat(tokens), Conversation, turn, attempt, "completed"));
        Assert.Equal(expected, frames.Select(frame => frame.Bytes));
    }

    /// <summary>The conversation's rows are these questions and answers, each once.</summary>
    private protected async Task AssertStoredAsync(params (string Question, string Answer, string Status)[] turns)
    {
        var rows = await Sql.MessagesAsync(Conversation);
        Assert.Equal(
            turns.Select(t => t.Question).Order(StringComparer.Ordinal),
            rows.Where(row => row.Role == "user").Select(row => row.Content).Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            turns.Select(t => (t.Answer, t.Status)).Order(),
            rows.Where(row => row.Role == "assistant").Select(row => (row.Content, row.Status)).Order()
        );
    }
}

/// <summary>Version 2's frames as docs/reference/protocol.md has them.</summary>
internal static class Frames2
{
    public static string Typing(Guid turn, string? messageId) =>
        messageId is null
            ? $$"""{"type":"typing","turn_id":"{{turn}}"}"""
            : $$"""{"type":"typing","turn_id":"{{turn}}","message_id":{{PythonJson.Compact(messageId)}}}""";

    public static string Chunk(string text, Guid turn, int attempt, int seq) =>
        $$"""{"type":"chunk","text":{{PythonJson.Compact(text)}},"turn_id":"{{turn}}","attempt":{{attempt}},"seq":{{seq}}}""";

    public static string Done(string text, Guid conversation, Guid turn, int attempt, string reason) =>
        $$"""{"type":"done","text":{{PythonJson.Compact(text)}},"conversation_id":"{{conversation}}","turn_id":"{{turn}}","attempt":{{attempt}},"reason":"{{reason}}"}""";

    public static string Reset(Guid turn, int attempt) => $$"""{"type":"reset","turn_id":"{{turn}}","attempt":{{attempt}}}""";
}
