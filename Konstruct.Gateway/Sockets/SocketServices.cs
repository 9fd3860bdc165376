using Konstruct.Gateway.Auth;
using Konstruct.Gateway.Turns;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Sockets;

/// <summary>What every socket works with.</summary>
internal sealed class SocketServices(
    IOptions<ChatOptions> options, IAuthenticator authenticator, ConversationFeeds feeds, TabOpener tabs, TurnStarter starter, TurnCanceller canceller,
    Stopping stopping, TimeProvider time, ILogger<ChatSocket> logger)
{
    public ChatOptions Options { get; } = options.Value;

    public IAuthenticator Authenticator => authenticator;

    public ConversationFeeds Feeds => feeds;

    public TabOpener Tabs => tabs;

    public TurnStarter Starter => starter;

    public TurnCanceller Canceller => canceller;

    public Stopping Stopping => stopping;

    public TimeProvider Time => time;

    public ILogger Logger => logger;
}
