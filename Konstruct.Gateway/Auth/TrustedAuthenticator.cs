using Konstruct.Gateway.Protocol;

namespace Konstruct.Gateway.Auth;

/// <summary>Trusts the frame, as the original did. Only for a gateway that untrusted callers cannot reach.</summary>
internal sealed class TrustedAuthenticator : IAuthenticator
{
    public bool Renews => false;

    public Task<AuthResult> AuthenticateAsync(ClientFrame frame, CancellationToken cancellationToken) => Task.FromResult(Authenticate(frame));

    private static AuthResult Authenticate(ClientFrame frame)
    {
        if (frame.Kind != ClientFrameKind.Auth)
        {
            return new(null, WireError.AuthFirst);
        }

        if (string.IsNullOrEmpty(frame.UserId) || string.IsNullOrEmpty(frame.TenantId))
        {
            return new(null, WireError.AuthIncomplete);
        }

        return WireGuid.TryParse(frame.UserId, out var user) && WireGuid.TryParse(frame.TenantId, out var tenant)
            ? new(new(user, tenant, frame.Role ?? ""), null)
            : new(null, WireError.AuthInvalidId);
    }
}
