using Konstruct.Contracts.Wire;

namespace Konstruct.Gateway.Auth;

/// <summary>Believes the headers, as <see cref="TrustedAuthenticator"/> believes the frame: only for a gateway that nobody but trusted callers can reach.</summary>
internal sealed class TrustedHeaders : IRequestAuthenticator
{
    public const string User = "X-User-Id";
    public const string Tenant = "X-Tenant-Id";
    public const string Role = "X-Role";

    public string Scheme => "Trusted";

    public RequestAuthResult Authenticate(HttpRequest request)
    {
        var headers = request.Headers;
        return WireGuid.TryParse(headers[User], out var user) && WireGuid.TryParse(headers[Tenant], out var tenant)
            ? new(new(user, tenant, headers[Role].ToString()), null)
            : new(null, $"The headers {User} and {Tenant} must each hold one UUID.");
    }
}
