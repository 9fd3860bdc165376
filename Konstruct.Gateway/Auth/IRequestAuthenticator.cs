namespace Konstruct.Gateway.Auth;

/// <summary>Decides who sends a request of the HTTP API.</summary>
internal interface IRequestAuthenticator
{
    /// <summary>The scheme, for <c>WWW-Authenticate</c>.</summary>
    string Scheme { get; }

    /// <summary>What a caller sends when it is nobody: one sentence.</summary>
    string Wanted { get; }

    /// <summary>Never throws for what a client sent.</summary>
    Task<AuthResult> AuthenticateAsync(HttpRequest request, CancellationToken cancellationToken);
}
