using Microsoft.AspNetCore.Http.Features;

namespace Konstruct.Gateway.Sockets;

/// <summary>
/// Gives a WebSocket a <see cref="JoiningStream"/>. .NET's WebSocket writes and flushes each
/// frame separately, and cannot be told that another one follows.
/// </summary>
internal sealed class JoinedWrites(IHttpUpgradeFeature inner) : IHttpUpgradeFeature
{
    public bool IsUpgradableRequest => inner.IsUpgradableRequest;

    /// <summary>The stream, once the request is upgraded.</summary>
    public JoiningStream? Stream { get; private set; }

    /// <summary>
    /// Must run before the WebSocket middleware. HTTP/2 requests have no upgrade and bypass this middleware; their frames are sent one by one.
    /// </summary>
    public static Task OfferAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade)
        {
            context.Features.Set<IHttpUpgradeFeature>(new JoinedWrites(upgrade));
        }

        return next(context);
    }

    public async Task<Stream> UpgradeAsync() => Stream = new(await inner.UpgradeAsync());
}
