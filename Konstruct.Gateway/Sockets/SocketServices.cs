using Konstruct.Gateway.Auth;
using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Edge;
using Konstruct.Gateway.Hosting;
using Konstruct.Gateway.Streaming;
using Konstruct.Gateway.Telemetry;
using Konstruct.Gateway.Turns;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Sockets;

/// <summary>Services shared by all sockets.</summary>
internal sealed class SocketServices(
    IOptions<ChatOptions> options,
    IOptions<EdgeOptions> edge,
    IAuthenticator authenticator,
    OpenSockets open,
    SendQueues queues,
    MessageBucket bucket,
    UserRequests requests,
    ConversationFeeds feeds,
    SubscriberOpener tabs,
    TurnStarter starter,
    TurnCanceller canceller,
    Stopping stopping,
    GatewayMetrics metrics,
    TimeProvider time,
    ILogger<ChatSocket> logger
)
{
    public ChatOptions Options { get; } = options.Value;

    public EdgeOptions Edge { get; } = edge.Value;

    public IAuthenticator Authenticator => authenticator;

    public OpenSockets Open => open;

    public SendQueues Queues => queues;

    public MessageBucket Bucket => bucket;

    public UserRequests Requests => requests;

    public ConversationFeeds Feeds => feeds;

    public SubscriberOpener Tabs => tabs;

    public TurnStarter Starter => starter;

    public TurnCanceller Canceller => canceller;

    public Stopping Stopping => stopping;

    public GatewayMetrics Metrics => metrics;

    public TimeProvider Time => time;

    public ILogger Logger => logger;
}
