using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Hosting;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Telemetry;
using Konstruct.ServiceDefaults.Loops;

namespace Konstruct.Gateway.Streaming;

/// <summary>Services shared by all feeds. Without a <c>Legacy</c> listener, payloads that name no turn are relayed as they are.</summary>
internal sealed record FeedServices(
    ConversationStore Store,
    TurnLog Log,
    ITurnPersister Persister,
    BackgroundTasks Tasks,
    Failures Failures,
    GatewayMetrics Metrics,
    TimeProvider Time,
    ILegacyListener? Legacy = null
);
