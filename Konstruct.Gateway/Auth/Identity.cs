namespace Konstruct.Gateway.Auth;

/// <summary>An authenticated user.</summary>
/// <param name="UserId">The portal's user.</param>
/// <param name="TenantId">The tenant.</param>
/// <param name="Role">The user's role in the portal; may be empty.</param>
internal sealed record Identity(Guid UserId, Guid TenantId, string Role);
