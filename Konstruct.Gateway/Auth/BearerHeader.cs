using System.Net.Http.Headers;

namespace Konstruct.Gateway.Auth;

/// <summary>Authenticates a request by the header <c>Authorization: Bearer</c>, with the same token as an auth frame.</summary>
internal sealed class BearerHeader(TokenReader tokens) : IRequestAuthenticator
{
    public string Scheme => "Bearer";

    public string Wanted => "The header Authorization must hold a valid token of the scheme Bearer.";

    public Task<AuthResult> AuthenticateAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var isBearer =
            AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out var header)
            && header.Scheme.Equals(Scheme, StringComparison.OrdinalIgnoreCase);
        return tokens.ReadAsync(isBearer ? header!.Parameter : null, cancellationToken);
    }
}
