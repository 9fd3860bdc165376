using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Konstruct.Contracts.Redis;
using Konstruct.OrchestratorStub.Telemetry;
using Konstruct.OrchestratorStub.Work;
using Konstruct.Tests.Harness;
using Konstruct.Tests.Streaming;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Xunit;
using ConversationKey = Konstruct.Gateway.Storage.ConversationKey;

namespace Konstruct.Tests.Turns;

/// <summary>
/// Redis returned with data from before a worker's claim, and a second worker claimed the same attempt. The chunks and the end of the first one
/// were accepted where they fitted by their position: two answers in one log. The model of a turn found it.
/// </summary>
public abstract class ClaimTests(GatewayInside gateway) : IAsyncLifetime
{
    private readonly ConversationKey _key = new(Guid.NewGuid(), Guid.NewGuid());
    private readonly Guid _turnId = Guid.CreateVersion7();
    private readonly Answering _old = new(gateway);
    private readonly Answering _new = new(gateway);

    public async ValueTask InitializeAsync()
    {
        await _old.BeginAsync(_key, _turnId, "old ");
        await gateway.Redis.KeyDeleteAsync([RedisKeys.Turn(_key.ConversationId, _turnId), RedisKeys.Log(_key.ConversationId, _turnId, 1)]);
        await _new.BeginAsync(_key, _turnId, "new ");
    }

    public async ValueTask DisposeAsync()
    {
        await _old.DisposeAsync();
        await _new.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task The_earlier_worker_appends_nothing()
    {
        _old.Say("old too ");
        Assert.Equal(StopReason.Lost, await _old.StoppedAsync());
        await EndsAsTheNewOneSaysAsync();
    }

    [Fact]
    public async Task The_earlier_worker_does_not_finish()
    {
        _old.End();
        Assert.Equal(StopReason.Lost, await _old.StoppedAsync());
        await EndsAsTheNewOneSaysAsync();
    }

    [Fact]
    public async Task The_earlier_worker_does_not_take_the_end_for_its_own()
    {
        await EndsAsTheNewOneSaysAsync();
        _old.End();
        Assert.Equal(StopReason.Ended, await _old.StoppedAsync());
    }

    private async Task EndsAsTheNewOneSaysAsync()
    {
        _new.Say("new too ");
        _new.End();
        Assert.Equal(StopReason.None, await _new.StoppedAsync());
        var log = await gateway.Log.ReadAsync(_key.ConversationId, _turnId, 1, after: 0, most: 10);
        Assert.Equal(["new ", "new too ", "new new too "], log.Select(entry => entry.Text));
    }

    /// <summary>A worker that answers the turn, with a model that says what the test hands it.</summary>
    private sealed class Answering(GatewayInside gateway) : IChatClient, IAsyncDisposable
    {
        private readonly Channel<string> _tokens = Channel.CreateUnbounded<string>();
        private readonly RunningTurns _running = new();
        private RunningTurn? _turn;
        private Task _answering = Task.CompletedTask;

        /// <summary>Completes when the first token is in the log.</summary>
        public async Task BeginAsync(ConversationKey key, Guid turnId, string token)
        {
            _turn = new(RedisKeys.Entry(turnId, 1), turnId);
            var answerer = new TurnAnswerer(
                this,
                gateway.Log,
                gateway.Queue,
                Options.Create(new DispatchOptions()),
                new OrchestratorMetrics(gateway.Get<IMeterFactory>(), _running),
                new Retry(gateway.Persistence),
                TimeProvider.System,
                NullLogger<TurnAnswerer>.Instance
            );
            _answering = answerer.AnswerAsync(GatewayInside.TaskOf(key, turnId), _turn);
            Say(token);
            await Until.TrueAsync(async () => (await gateway.Log.ReadAsync(key.ConversationId, turnId, 1, 0, 1)).Count == 1);
        }

        public void Say(string token) => Assert.True(_tokens.Writer.TryWrite(token));

        public void End() => Assert.True(_tokens.Writer.TryComplete());

        /// <summary>Why the worker stopped, once it is through with the turn.</summary>
        public async Task<StopReason> StoppedAsync()
        {
            await _answering.WaitAsync(Until.Soon, TestContext.Current.CancellationToken);
            return _turn!.Reason;
        }

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            [EnumeratorCancellation] CancellationToken cancellationToken = default
        )
        {
            await foreach (var token in _tokens.Reader.ReadAllAsync(cancellationToken))
            {
                yield return new(ChatRole.Assistant, token);
            }
        }

        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        ) => throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public async ValueTask DisposeAsync()
        {
            _tokens.Writer.TryComplete();
            await _answering;
            _turn?.Dispose();
        }

        public void Dispose() { }
    }
}

public sealed class ClaimsOnGarnet(GatewayInside gateway) : ClaimTests(gateway), IClassFixture<GatewayInside>;

public sealed class ClaimsOnRedis(GatewayInsideOnRedis gateway) : ClaimTests(gateway), IClassFixture<GatewayInsideOnRedis>;
