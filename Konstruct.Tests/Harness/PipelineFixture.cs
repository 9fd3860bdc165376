using Xunit;

namespace Konstruct.Tests.Harness;

/// <summary>A pipeline that the classes of a test collection share; each test uses people and conversations of its own.</summary>
public abstract class PipelineFixture(DatabaseFactory databases) : IAsyncLifetime
{
    private StartFailure? _failure;
    private Pipeline? _pipeline;

    /// <summary>The started pipeline. Reports why there is none where it did not start.</summary>
    internal Pipeline Pipeline
    {
        get
        {
            _failure?.Report();
            return _pipeline!;
        }
    }

    /// <summary>The second gateway where <see cref="HasOtherGateway"/>. Behind a balancer, the balancer.</summary>
    internal ServiceProcess OtherGateway { get; private set; } = null!;

    /// <summary>The product's own server, unless a fixture names another.</summary>
    private protected virtual RedisKind Redis => RedisKind.Garnet;

    private protected virtual int Workers => 1;

    /// <summary>Environment variables for gateways and workers.</summary>
    private protected virtual Dictionary<string, string> Settings => [];

    /// <summary>Whether there are two gateways, with a balancer between them and the clients.</summary>
    private protected virtual bool IsBalanced => false;

    /// <summary>Whether a second gateway starts with the first: a test that began an answer must not wait for a process while it streams.</summary>
    private protected virtual bool HasOtherGateway => false;

    public async ValueTask InitializeAsync() => _failure = await StartFailure.OfAsync(StartAsync, GetType().Name.Split('`')[0]);

    public virtual async ValueTask DisposeAsync()
    {
        if (_pipeline is not null)
        {
            await _pipeline.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>What gateways are told of the database.</summary>
    private protected virtual Task<string> ServingConnectionAsync(Database database) => Task.FromResult(database.ServingConnectionString);

    /// <summary>Starts everything that the tests share.</summary>
    private protected virtual async Task StartAsync()
    {
        _pipeline = await Pipeline.StartAsync(databases, Redis, Workers, Settings, ServingConnectionAsync);
        if (IsBalanced)
        {
            await _pipeline.BalanceAsync();
        }

        if (HasOtherGateway)
        {
            OtherGateway = IsBalanced ? _pipeline.Gateway : await _pipeline.StartGatewayAsync();
        }
    }
}

/// <summary>What tests over a pipeline have at hand.</summary>
public abstract class PipelineTests(PipelineFixture fixture) : IAsyncDisposable
{
    private protected Pipeline Pipeline { get; } = fixture.Pipeline;

    private protected ServiceProcess Gateway => Pipeline.Gateway;

    private protected Sql Sql => Pipeline.Sql;

    /// <summary>A test that failed says how things stand, and what the processes logged last.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result is TestResult.Failed)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"{await Pipeline.DescribeAsync()}\n{Pipeline.Log}");
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>An authenticated socket of version 1.</summary>
    private protected Task<RawChat> OpenAsync(Person person, Guid conversation) => RawChat.OpenAsync(Gateway, person, conversation);

    /// <summary>Waits until the conversation holds this many finished answers and hands back its messages.</summary>
    private protected Task<IReadOnlyList<StoredMessage>> AnsweredAsync(Guid conversation, int answers = 1, TimeSpan? within = null) =>
        Until.NotNullAsync(
            async () =>
            {
                var messages = await Sql.MessagesAsync(conversation);
                return messages.Count(m => m is { Role: "assistant", Status: not "pending" }) >= answers ? messages : null;
            },
            within,
            $"{answers} answers of {conversation} in Postgres"
        );
}
