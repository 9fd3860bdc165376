using Konstruct.Contracts.Wire;

namespace Konstruct.Gateway.Auth;

/// <summary>What became of an auth frame: exactly one of the two.</summary>
internal readonly record struct AuthResult(Identity? Identity, WireError? Error);

/// <summary>Decides who a client is by its first frame.</summary>
internal interface IAuthenticator
{
    /// <summary>Never throws for what a client sent.</summary>
    Task<AuthResult> AuthenticateAsync(ClientFrame frame, CancellationToken cancellationToken);
}
