using Konstruct.Gateway.Protocol;

namespace Konstruct.Gateway.Auth;

/// <summary>
/// Authenticates by the token of the auth frame. The frame's other members must not contradict
/// it, so that a portal that mixes up users gets an error.
/// </summary>
internal sealed class JwtAuthenticator(TokenReader tokens) : IAuthenticator
{
    public bool Renews => true;

    public async Task<AuthResult> AuthenticateAsync(ClientFrame frame, CancellationToken cancellationToken)
    {
        if (frame.Kind != ClientFrameKind.Auth)
        {
            return new(null, WireError.AuthFirst);
        }

        var result = await tokens.ReadAsync(frame.Token, cancellationToken);
        return result.Identity is { } identity && !Agrees(frame, identity) ? new(null, WireError.AuthContradiction) : result;
    }

    private static bool Agrees(ClientFrame frame, Identity identity) =>
        IsIt(frame.UserId, identity.UserId)
        && IsIt(frame.TenantId, identity.TenantId)
        && (string.IsNullOrEmpty(frame.Role) || frame.Role == identity.Role);

    private static bool IsIt(string? spelled, Guid id) => string.IsNullOrEmpty(spelled) || (WireGuid.TryParse(spelled, out var named) && named == id);
}
