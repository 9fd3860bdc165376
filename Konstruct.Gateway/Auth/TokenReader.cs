using System.Security.Claims;
using Konstruct.Gateway.Protocol;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Konstruct.Gateway.Auth;

/// <summary>
/// Reads tokens of sockets and requests with the settings and key store of ASP.NET Core's JWT bearer scheme. An
/// authority's keys are fetched once, then periodically, and when a token names an unknown key.
/// </summary>
internal sealed partial class TokenReader(IOptionsMonitor<JwtBearerOptions> bearer, IOptions<AuthOptions> auth, ILogger<TokenReader> logger)
{
    /// <summary>Maximum length of a token in UTF-16 units, for sockets and the API. Many proxies do not allow larger headers.</summary>
    private const int MaxLength = 16 * 1024 - 1;

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };
    private readonly JwtOptions _jwt = auth.Value.Jwt;

    /// <summary>Returns a token's bearer. The reason for a refusal is logged, not returned to the client.</summary>
    public async Task<AuthResult> ReadAsync(string? token, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(token))
        {
            return new(null, WireError.AuthInvalidToken);
        }

        if (token.Length > MaxLength)
        {
            Log.Refused(logger, "it is too long");
            return new(null, WireError.AuthInvalidToken);
        }

        var options = bearer.Get(JwtBearerDefaults.AuthenticationScheme);
        if (!await HasKeysAsync(options, cancellationToken))
        {
            return new(null, WireError.Unavailable);
        }

        var parameters = options.TokenValidationParameters.Clone();
        parameters.ConfigurationManager = options.ConfigurationManager as BaseConfigurationManager;
        var result = await _handler.ValidateTokenAsync(token, parameters);
        if (!result.IsValid)
        {
            Log.Refused(
                logger,
                NeedsLongerKey(token, result.Exception, parameters)
                    ? "HS384 needs a key of 48 bytes, HS512 one of 64; Auth:Jwt:SigningKey is shorter"
                    : result.Exception.GetType().Name
            );
            return new(null, WireError.AuthInvalidToken);
        }

        var read = (JsonWebToken)result.SecurityToken;
        if (TokenShape.FindFault(read) is { } fault)
        {
            Log.Refused(logger, fault);
            return new(null, WireError.AuthInvalidToken);
        }

        return IdentityOf(read, result.ClaimsIdentity) is { } identity
            ? new(identity, null, new DateTimeOffset(read.ValidTo, TimeSpan.Zero))
            : new(null, WireError.AuthInvalidId);
    }

    /// <summary>False: the authority has never answered. If it is unreachable later, its last keys are used.</summary>
    private async Task<bool> HasKeysAsync(JwtBearerOptions options, CancellationToken cancellationToken)
    {
        if (options.ConfigurationManager is null)
        {
            return true; // A symmetric key, or keys from configuration.
        }

        try
        {
            await options.ConfigurationManager.GetConfigurationAsync(cancellationToken);
            return true;
        }
        catch (Exception exception) when (exception is InvalidOperationException or IOException or HttpRequestException)
        {
            Log.NoKeys(logger, _jwt.Authority, exception.InnerException?.Message ?? exception.Message);
            return false;
        }
    }

    /// <summary>
    /// Whether the key is too short for the algorithm. The library reports that as a wrong signature or key, after it has parsed the token.
    /// </summary>
    private bool NeedsLongerKey(string token, Exception exception, TokenValidationParameters parameters) =>
        !_jwt.HasAuthority
        && exception is SecurityTokenInvalidSignatureException or SecurityTokenInvalidAlgorithmException
        && _handler.ReadJsonWebToken(token).Alg is var algorithm and (SecurityAlgorithms.HmacSha384 or SecurityAlgorithms.HmacSha512)
        && !parameters.ValidAlgorithms.Contains(algorithm);

    /// <summary>Null: an id in the token is not a single UUID.</summary>
    private Identity? IdentityOf(JsonWebToken token, ClaimsIdentity claims) =>
        WireGuid.TryParse(TokenShape.OneString(token, _jwt.UserClaim), out var user)
        && WireGuid.TryParse(TokenShape.OneString(token, _jwt.TenantClaim), out var tenant)
            ? new(user, tenant, claims.FindFirst(_jwt.RoleClaim)?.Value ?? "")
            : null;

    private static partial class Log
    {
        [LoggerMessage(220, LogLevel.Debug, "A token was refused: {Reason}")]
        public static partial void Refused(ILogger logger, string reason);

        [LoggerMessage(221, LogLevel.Error, "No token can be checked, the authority {Authority} does not answer: {Reason}")]
        public static partial void NoKeys(ILogger logger, string authority, string reason);
    }
}
