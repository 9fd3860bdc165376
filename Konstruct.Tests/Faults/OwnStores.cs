using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Faults;

/// <summary>
/// A gateway and a worker on a redis-server and a PostgreSQL of their own, whose settings a test may spoil. Leases and sweeps are short, so that every loop has
/// several rounds while a store refuses.
/// </summary>
public sealed class OwnStores : IAsyncLifetime
{
    private readonly DatabaseFactory _databases = new();
    private StartFailure? _failure;
    private Pipeline? _pipeline;

    internal static Dictionary<string, string> Settings =>
        new()
        {
            ["Chat__CreateMissingConversations"] = "true",
            ["Chat__SweepInterval"] = "00:00:00.5",
            ["Chat__SweepAge"] = "00:00:01",
            ["Dispatch__Lease"] = "00:00:02",
            ["Dispatch__PollInterval"] = "00:00:00.5",
        };

    /// <summary>The started pipeline. Reports why there is none where it did not start.</summary>
    internal Pipeline Pipeline
    {
        get
        {
            _failure?.Report();
            return _pipeline!;
        }
    }

    public async ValueTask InitializeAsync() =>
        _failure = await StartFailure.OfAsync(
            async () => _pipeline = await Pipeline.StartAsync(_databases, RedisKind.Redis, settings: Settings),
            nameof(OwnStores)
        );

    public async ValueTask DisposeAsync()
    {
        if (_pipeline is not null)
        {
            await _pipeline.DisposeAsync();
        }

        await _databases.DisposeAsync();
    }
}

/// <summary>What tests on stores of their own have at hand.</summary>
public abstract class OwnStoresTests(OwnStores stores) : IAsyncDisposable
{
    private protected Pipeline Pipeline => stores.Pipeline;

    private protected Person Person { get; } = Person.New();

    private protected Guid Conversation { get; } = Guid.NewGuid();

    public ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result is TestResult.Failed)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(Pipeline.Log);
        }

        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    private protected void AssertAlive() => Assert.Equal((false, false), (Pipeline.Gateway.HasEnded, Pipeline.Worker.HasEnded));

    /// <summary>Both processes serve: a new message is answered.</summary>
    private protected async Task AssertServesAsync()
    {
        var conversation = Guid.NewGuid();
        await Until.TrueAsync(async () =>
        {
            AssertAlive();
            await using var chat = await RawChat.OpenAsync(Pipeline.Gateway, Person, conversation);
            await chat.SayAsync("/burst 2");
            var turn = await chat.ReceiveTurnAsync();
            return turn.Frames[^1].StartsWith("""{"type":"done",""", StringComparison.Ordinal) && turn.AssertWhole(conversation) is not null;
        });
    }

    /// <summary>The answer that was streaming ends, is told and stored, once.</summary>
    private protected async Task AssertAnsweredAsync(RawChat chat, string asked)
    {
        var turn = await chat.ReceiveTurnAsync(TimeSpan.FromSeconds(90));
        Assert.Equal(Answers.Of(asked), turn.Answer);
        var stored = await Pipeline.Sql.MessagesAsync(Conversation);
        Assert.Equal(
            [("user", asked, "completed"), ("assistant", Answers.Of(asked), "completed")],
            stored.Select(m => (m.Role, m.Content, m.Status))
        );
    }

    /// <summary>Waits until a process has said that a loop of its failed in this way, or has ended.</summary>
    private protected static Task FailedAsync(ServiceProcess process, params string[] words) =>
        Until.TrueAsync(
            () =>
                Task.FromResult(
                    process.HasEnded
                        || process.Log.Split('\n').Any(line => Array.TrueForAll(words, word => line.Contains(word, StringComparison.Ordinal)))
                ),
            what: $"{process.Name} logs {string.Join(", ", words)}"
        );
}
