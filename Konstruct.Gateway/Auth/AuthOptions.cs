using System.Text;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Auth;

/// <summary>How the gateway authenticates a client.</summary>
internal enum AuthMode
{
    /// <summary>By a signed token.</summary>
    Jwt,

    /// <summary>The client's own statement is trusted, as in the original gateway.</summary>
    Trusted,
}

/// <summary>Authentication: configuration section <c>Auth</c>.</summary>
internal sealed class AuthOptions
{
    public const string Section = "Auth";

    /// <summary>Default <c>Jwt</c>; Development's settings use <c>Trusted</c>.</summary>
    public AuthMode Mode { get; set; }

    /// <summary>
    /// Required for <c>Trusted</c> outside Development: any caller of the gateway can then read and
    /// write the conversations of any user in any tenant. Default false.
    /// </summary>
    public bool LetAnyoneClaimAnyTenant { get; set; }

    /// <summary>Requirements for a token in the mode <c>Jwt</c>.</summary>
    public JwtOptions Jwt { get; set; } = new();

    /// <summary>
    /// How long a socket stays open after its token has expired, so that the client can send a new
    /// one. Then it is closed with 4010. Default 30 s; 0: no time.
    /// </summary>
    public TimeSpan ExpiryGrace { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>Configuration section <c>Auth:Jwt</c>. The keys come from an authority, or there is one symmetric key.</summary>
internal sealed class JwtOptions
{
    /// <summary>Minimum for HS256: RFC 7518, 3.2.</summary>
    public const int LeastKeyBytes = 32;

    /// <summary>
    /// Address of an OpenID Connect authority. Its metadata supplies the issuer, the keys and their rotation. Must be
    /// https; http is allowed in Development. Default empty: <see cref="SigningKey"/> is used.
    /// </summary>
    public string Authority { get; set; } = "";

    /// <summary>
    /// The symmetric key as text. 32 bytes of UTF-8 or more allow HS256, 48 also HS384, 64 also HS512. Not used with an authority. No default.
    /// </summary>
    public string SigningKey { get; set; } = "";

    /// <summary>Required issuer of tokens signed with <see cref="SigningKey"/>. Default <c>konstruct-portal</c>.</summary>
    public string Issuer { get; set; } = "konstruct-portal";

    /// <summary>Required audience of a token. Default <c>konstruct-chat</c>.</summary>
    public string Audience { get; set; } = "konstruct-chat";

    /// <summary>Claim with the user's UUID. Default <c>sub</c>.</summary>
    public string UserClaim { get; set; } = "sub";

    /// <summary>Claim with the tenant's UUID. Default <c>tenant_id</c>.</summary>
    public string TenantClaim { get; set; } = "tenant_id";

    /// <summary>Claim with the role, optional in a token. Default <c>role</c>.</summary>
    public string RoleClaim { get; set; } = "role";

    /// <summary>Maximum difference between the issuer's clock and this one. Default 30 s; 0: none.</summary>
    public TimeSpan ClockSkew { get; set; } = TimeSpan.FromSeconds(30);

    public bool HasAuthority => Authority.Length > 0;
}

/// <summary>Reports settings at startup that would admit everyone or no one.</summary>
internal sealed class AuthOptionsCheck(IHostEnvironment environment) : IValidateOptions<AuthOptions>
{
    public ValidateOptionsResult Validate(string? name, AuthOptions options)
    {
        var failures = options.Mode switch
        {
            AuthMode.Trusted => CheckTrusted(options),
            AuthMode.Jwt => CheckJwt(options.Jwt),
            _ => [$"Auth:Mode is {options.Mode}. It can be Jwt or Trusted."],
        };
        if (options.ExpiryGrace < TimeSpan.Zero || options.ExpiryGrace > TimeSpan.FromHours(1))
        {
            failures = failures.Append($"Auth:ExpiryGrace is {options.ExpiryGrace}. It must be between 0 and an hour.");
        }

        var all = failures.ToList();
        return all.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(all);
    }

    private IEnumerable<string> CheckTrusted(AuthOptions options)
    {
        if (!environment.IsDevelopment() && !options.LetAnyoneClaimAnyTenant)
        {
            yield return "Auth:Mode is Trusted, which lets anyone who reaches this gateway claim any user of any tenant, "
                + "and this is not Development. "
                + "Set Auth:Mode to Jwt; or, where only trusted callers can reach it, set Auth:LetAnyoneClaimAnyTenant to true.";
        }
    }

    private IEnumerable<string> CheckJwt(JwtOptions jwt)
    {
        if (jwt.HasAuthority)
        {
            var isAddress = Uri.TryCreate(jwt.Authority, UriKind.Absolute, out var address) && address.Scheme is "https" or "http";
            if (!isAddress || (address!.Scheme == "http" && !environment.IsDevelopment()))
            {
                yield return $"Auth:Jwt:Authority is '{jwt.Authority}'. It must be an https address.";
            }
        }
        else if (Encoding.UTF8.GetByteCount(jwt.SigningKey) < JwtOptions.LeastKeyBytes)
        {
            yield return jwt.SigningKey.Length == 0
                ? "Auth:Mode is Jwt and there is nothing to check tokens with: set Auth:Jwt:Authority, or Auth:Jwt:SigningKey."
                : $"Auth:Jwt:SigningKey is too short: it needs {JwtOptions.LeastKeyBytes} bytes or more.";
        }
        else if (string.IsNullOrWhiteSpace(jwt.Issuer))
        {
            yield return "Auth:Jwt:Issuer is empty: any program with the same key could issue tokens.";
        }

        if (string.IsNullOrWhiteSpace(jwt.Audience))
        {
            yield return "Auth:Jwt:Audience is empty: tokens that are meant for other services would be taken.";
        }

        if (string.IsNullOrWhiteSpace(jwt.UserClaim) || string.IsNullOrWhiteSpace(jwt.TenantClaim))
        {
            yield return "Auth:Jwt:UserClaim and Auth:Jwt:TenantClaim must name claims.";
        }

        if (jwt.ClockSkew < TimeSpan.Zero || jwt.ClockSkew > TimeSpan.FromMinutes(10))
        {
            yield return $"Auth:Jwt:ClockSkew is {jwt.ClockSkew}. It must be between 0 and 10 minutes.";
        }
    }
}
