using Konstruct.Contracts.Wire;

namespace Konstruct.Gateway.Auth;

/// <summary>What became of credentials: an identity, or an error that the client is told.</summary>
/// <param name="Identity">Who it is; null when refused.</param>
/// <param name="Error">Why not; null when accepted. <see cref="WireError.Unavailable"/>: nobody could tell, and the client may try again.</param>
/// <param name="Expires">When the credentials end; null: never.</param>
internal readonly record struct AuthResult(Identity? Identity, WireError? Error, DateTimeOffset? Expires = null);

/// <summary>Decides who a client is by an auth frame.</summary>
internal interface IAuthenticator
{
    /// <summary>Whether a later auth frame renews the credentials. Otherwise it is ignored, as the original did.</summary>
    bool Renews { get; }

    /// <summary>Never throws for what a client sent.</summary>
    Task<AuthResult> AuthenticateAsync(ClientFrame frame, CancellationToken cancellationToken);
}
