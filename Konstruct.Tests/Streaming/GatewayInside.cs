using Konstruct.Contracts.Dispatch;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Hosting;
using Konstruct.Gateway.Sockets;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Streaming;
using Konstruct.Gateway.Telemetry;
using Konstruct.Gateway.Turns;
using Konstruct.Gateway.Turns.Repair;
using Konstruct.ServiceDefaults.Loops;
using Konstruct.Tests.Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;
using Xunit;

namespace Konstruct.Tests.Streaming;

/// <summary>
/// The gateway's own classes on a real Redis and a real Postgres, without a host: what comes on a channel, and when, is in the test's hands.
/// </summary>
public class GatewayInside(DatabaseFactory databases) : IAsyncLifetime
{
    /// <summary>The user of all conversations that a test makes here.</summary>
    internal static readonly Guid User = Guid.NewGuid();
    private StartFailure? _failure;
    private RedisServer? _redis;
    private WebApplication? _gateway;

    internal TurnLog Log => Get<TurnLog>();

    internal ConversationFeeds Feeds => Get<ConversationFeeds>();

    internal ConversationStore Store => Get<ConversationStore>();

    internal DispatchQueue Queue => Get<DispatchQueue>();

    internal Persistence Persistence => Get<Persistence>();

    internal TurnCanceller Canceller => Get<TurnCanceller>();

    internal Sweeper Sweeper => Get<IEnumerable<IHostedService>>().OfType<Sweeper>().Single();

    internal IDatabase Redis => Get<IConnectionMultiplexer>().GetDatabase();

    internal Sql Sql { get; private set; } = null!;

    internal ISubscriber Subscriber => Get<IConnectionMultiplexer>().GetSubscriber();

    /// <summary>The product's own server, unless a fixture names another.</summary>
    private protected virtual RedisKind Kind => RedisKind.Garnet;

    public async ValueTask InitializeAsync() => _failure = await StartFailure.OfAsync(StartAsync, GetType().Name);

    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null)
        {
            await Get<BackgroundTasks>().WhenIdleAsync();
            await _gateway.DisposeAsync();
        }

        if (_redis is not null)
        {
            await _redis.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Completes when nothing runs that a payload or a client has begun.</summary>
    internal Task IdleAsync() => Get<BackgroundTasks>().WhenIdleAsync();

    /// <summary>A feed that hears what the test hands it and nothing else.</summary>
    internal ConversationFeed Feed(ConversationKey key) =>
        new(key, new(Store, Log, Get<TurnPersister>(), Get<BackgroundTasks>(), Get<Failures>(), Get<GatewayMetrics>(), Get<TimeProvider>()), _ => { })
        {
            Opening = Task.CompletedTask,
        };

    /// <summary>A turn that was accepted: its rows are there, nothing is dispatched.</summary>
    internal Task<(ConversationKey Key, Guid TurnId)> AcceptAsync() =>
        AcceptAsync(new(Guid.NewGuid(), Guid.NewGuid()), Guid.CreateVersion7(), messageId: null, task: "{}");

    /// <inheritdoc cref="AcceptAsync()"/>
    internal async Task<(ConversationKey Key, Guid TurnId)> AcceptAsync(ConversationKey key, Guid turnId, string? messageId, string task)
    {
        var turn = new NewTurn(key, User, turnId, Guid.CreateVersion7(), Guid.CreateVersion7(), "", "hello", messageId, task);
        Assert.Equal(Acceptance.Accepted, (await Store.AcceptAsync(turn, createMissing: true, maxTurns: 4, CancellationToken.None)).Acceptance);
        return (turn.Key, turn.TurnId);
    }

    /// <summary>The task of a turn's first attempt.</summary>
    internal static KonstructMessage TaskOf(ConversationKey key, Guid turnId) =>
        new()
        {
            Id = Guid.NewGuid(),
            TenantId = key.TenantId,
            ChannelMetadata = new($"{User}", key.TenantId, key.ConversationId),
            Sender = new($"{User}", "Portal User"),
            Content = new("hello"),
            Timestamp = DateTimeOffset.UtcNow,
            ThreadId = key.ConversationId,
            ConversationId = key.ConversationId,
            PortalUserId = $"{User}",
            AgentId = "",
            TurnId = turnId,
            Attempt = 1,
        };

    /// <summary>A turn that its gateway has committed and not queued, old enough for the sweep.</summary>
    internal async Task<Guid> LeaveBehindAsync(ConversationKey key, string? messageId = null)
    {
        var turnId = Guid.CreateVersion7();
        await AcceptAsync(key, turnId, messageId, TaskOf(key, turnId).ToJson());
        await Sql.ExecuteAsync($"UPDATE web_turns SET created_at = created_at - interval '20 seconds' WHERE turn_id = '{turnId}'");
        return turnId;
    }

    /// <summary>A subscriber of the conversation, on a socket that keeps what it is sent.</summary>
    internal static (Subscriber Subscriber, KeptFrames Frames) NewSubscriber(ConversationKey key)
    {
        var frames = new KeptFrames();
        return (new(User, new FrameWriter(frames, new ChatOptions()), $"{key.ConversationId}"), frames);
    }

    /// <summary>A turn that was accepted, and a subscriber that has joined its conversation.</summary>
    internal async Task<(ConversationKey Key, Guid TurnId, ConversationFeed Feed, KeptFrames Frames)> JoinAsync()
    {
        var (key, turnId) = await AcceptAsync();
        var feed = Feed(key);
        var (subscriber, frames) = NewSubscriber(key);
        feed.Subscribers.Add(subscriber);
        feed.Subscribers.Join(subscriber, [], []);
        return (key, turnId, feed, frames);
    }

    /// <summary>Where an attempt is.</summary>
    internal async Task<DispatchState> StateOfAsync(Guid turnId, int attempt) => (await Queue.InspectAsync([RedisKeys.Entry(turnId, attempt)]))[0];

    /// <summary>Reports why there is no gateway where it did not start.</summary>
    internal void EnsureStarted() => _failure?.Report();

    internal T Get<T>()
        where T : notnull
    {
        EnsureStarted();
        return _gateway!.Services.GetRequiredService<T>();
    }

    /// <summary>Settings and services of a fixture of its own kind.</summary>
    private protected virtual void Configure(WebApplicationBuilder builder) { }

    private async Task StartAsync()
    {
        var redis = RedisServer.StartAsync(Kind);
        var database = await databases.CreateAsync();
        Sql = database.Sql;
        _redis = await redis;
        var builder = WebApplication.CreateBuilder();
        builder.Configuration["ConnectionStrings:redis"] = _redis.ConnectionString;
        builder.Configuration["ConnectionStrings:konstruct"] = database.ServingConnectionString;
        builder.Logging.ClearProviders();
        builder.AddStores();
        builder.AddChat();
        Configure(builder);
        _gateway = builder.Build();
    }
}

public sealed class GatewayInsideOnRedis(DatabaseFactory databases) : GatewayInside(databases)
{
    private protected override RedisKind Kind => RedisKind.Redis;
}
