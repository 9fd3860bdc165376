using Konstruct.Gateway.Auth;
using Konstruct.Gateway.Edge;
using Konstruct.Gateway.Hosting;
using Konstruct.Gateway.Protocol;
using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Conversations;

/// <summary>
/// Runs before every API request. The gateway must be ready (the policies bind it), and the caller must be authenticated and
/// within the request rate. Endpoints of the group get the tenant only from <see cref="CallerExtensions.Caller"/>.
/// </summary>
internal sealed class CallerFilter(IRequestAuthenticator authenticator, UserRequests requests, GatewayMetrics metrics, Readiness readiness)
    : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (!readiness.IsReady)
        {
            return Problems.Unavailable(http);
        }

        var (caller, error, _) = await authenticator.AuthenticateAsync(http.Request, http.RequestAborted);
        if (error == WireError.Unavailable)
        {
            return Problems.Unavailable(http);
        }

        if (caller is null)
        {
            http.Response.Headers.WWWAuthenticate = authenticator.Scheme;
            return Problems.Unauthorized(authenticator.Wanted);
        }

        if (requests.Take(caller.TenantId, caller.UserId) is { } wait)
        {
            metrics.Rejected(WireError.TooManyRequests.Code);
            return Problems.TooMany(http, wait);
        }

        http.Features.Set(caller);
        return await next(context);
    }
}

/// <summary>The authenticated caller of a request.</summary>
internal static class CallerExtensions
{
    public static Identity Caller(this HttpContext context) =>
        context.Features.Get<Identity>() ?? throw new InvalidOperationException("This endpoint is not in the group that decides the caller.");
}
