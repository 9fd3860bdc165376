namespace Konstruct.Gateway.Auth;

/// <summary>Authenticates requests of the HTTP API.</summary>
internal interface IRequestAuthenticator
{
    /// <summary>The scheme, for <c>WWW-Authenticate</c>.</summary>
    string Scheme { get; }

    /// <summary>One sentence that tells an unauthenticated caller what to send.</summary>
    string Wanted { get; }

    /// <summary>Authenticates. Never throws because of a client's input.</summary>
    Task<AuthResult> AuthenticateAsync(HttpRequest request, CancellationToken cancellationToken);
}
