using Konstruct.Gateway.Protocol;

namespace Konstruct.Gateway.Auth;

/// <summary>Authenticates a client by its auth frame.</summary>
internal interface IAuthenticator
{
    /// <summary>Whether a later auth frame renews the credentials. Otherwise it is ignored, as in the original.</summary>
    bool Renews { get; }

    /// <summary>Authenticates. Never throws because of a client's input.</summary>
    Task<AuthResult> AuthenticateAsync(ClientFrame frame, CancellationToken cancellationToken);
}

/// <summary>Result of authentication: an identity, or an error for the client.</summary>
/// <param name="Identity">The caller; null: refused.</param>
/// <param name="Error">Why not; null: accepted. <see cref="WireError.Unavailable"/>: the credentials
/// could not be checked, and the client may retry.</param>
/// <param name="Expires">Expiry of the credentials; null: never.</param>
internal readonly record struct AuthResult(Identity? Identity, WireError? Error, DateTimeOffset? Expires = null);
