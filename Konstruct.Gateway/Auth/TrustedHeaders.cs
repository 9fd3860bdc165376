using Konstruct.Gateway.Protocol;

namespace Konstruct.Gateway.Auth;

/// <summary>
/// Trusts the headers, as <see cref="TrustedAuthenticator"/> trusts the frame. Only for a gateway that untrusted callers cannot reach.
/// </summary>
internal sealed class TrustedHeaders : IRequestAuthenticator
{
    public const string User = "X-User-Id";
    public const string Tenant = "X-Tenant-Id";
    public const string Role = "X-Role";

    public string Scheme => "Trusted";

    public string Wanted => $"The headers {User} and {Tenant} must each hold one UUID.";

    public Task<AuthResult> AuthenticateAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var headers = request.Headers;
        return Task.FromResult(
            WireGuid.TryParse(headers[User], out var user) && WireGuid.TryParse(headers[Tenant], out var tenant)
                ? new AuthResult(new(user, tenant, headers[Role].ToString()), null)
                : new AuthResult(null, WireError.AuthInvalidId)
        );
    }
}
