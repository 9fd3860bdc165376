using Microsoft.AspNetCore.Http.Features;

namespace Konstruct.Gateway.Sockets;

/// <summary>
/// Gives a WebSocket a <see cref="JoiningStream"/>. .NET's WebSocket writes and flushes each frame by itself and cannot be told that another one follows.
/// </summary>
internal sealed class JoinedWrites(IHttpUpgradeFeature inner) : IHttpUpgradeFeature
{
    public bool IsUpgradableRequest => inner.IsUpgradableRequest;

    /// <summary>The stream, once the request is upgraded.</summary>
    public JoiningStream? Stream { get; private set; }

    /// <summary>Comes before the middleware that takes upgrades. A WebSocket of HTTP/2 has no upgrade and sends each frame alone.</summary>
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
