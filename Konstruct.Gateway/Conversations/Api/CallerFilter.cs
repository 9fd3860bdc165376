using Konstruct.Gateway.Auth;

namespace Konstruct.Gateway.Conversations.Api;

/// <summary>
/// What every request of the API passes first: the gateway must have found that the policies bind it, and the caller must be somebody. An endpoint of the
/// group has no other way to a tenant than <see cref="CallerExtensions.Caller"/>.
/// </summary>
internal sealed class CallerFilter(IRequestAuthenticator authenticator, Readiness readiness) : IEndpointFilter
{
    public ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (!readiness.IsReady)
        {
            return new(Problems.Unavailable(http));
        }

        var (caller, error) = authenticator.Authenticate(http.Request);
        if (caller is null)
        {
            http.Response.Headers.WWWAuthenticate = authenticator.Scheme;
            return new(Problems.Unauthorized(error!));
        }

        http.Features.Set(caller);
        return next(context);
    }
}

/// <summary>The caller, once the filter has decided.</summary>
internal static class CallerExtensions
{
    public static Identity Caller(this HttpContext context) => context.Features.Get<Identity>()
        ?? throw new InvalidOperationException("This endpoint is not in the group that decides the caller.");
}
